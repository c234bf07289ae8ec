"""One number that logits are divided by, so that "90 % sure" is right nine times in ten."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.evaluation.calibration import calibrate
from convscope.evaluation.errors import cross_entropy_per_image
from convscope.evaluation.proportion import Interval, finite_or_none, t_interval

FEWEST = 50
"""With fewer images held out a temperature is a guess."""
FEWEST_WRONG = 3
"""With fewer wrong answers it is not known how often the surest are wrong, and so not how sure to be."""
LEAST_GAIN = 0.001
"""Nats; less matters to nobody."""
PARTS = 5
_BOUNDS = 3.0
"""Of its logarithm: between 1/20 and 20."""


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """A fitted temperature, and what it changes on images that it was not fitted on.

    Attributes:
        value: what the logits are divided by; 1 where it is not kept.
        fitted: what fits the images best, kept or not.
        n: how many images were held out.
        loss_before, loss_after: mean log loss, in nats.
        gain_interval: the 95 % t-interval of the fall of the loss, image by image.
        error_before, error_after: expected calibration error, 0 to 1.
        error_limit: what 95 in 100 perfectly calibrated classifiers stay below, on as many images.
    """

    value: float
    fitted: float
    n: int
    loss_before: float
    loss_after: float
    gain_interval: Interval
    error_before: float
    error_after: float
    error_limit: float

    @property
    def is_kept(self) -> bool:
        """Whether the loss falls by more than noise."""
        return self.value != 1.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "value": self.value,
            "fitted": self.fitted,
            "n": self.n,
            "loss": {"before": self.loss_before, "after": self.loss_after},
            "gain_interval": [finite_or_none(end) for end in self.gain_interval],
            "calibration_error": {
                "before": self.error_before,
                "after": self.error_after,
                "limit": self.error_limit,
            },
        }


def fit_temperature(
    logits: NDArray[np.float32], labels: NDArray[np.int64], parts: NDArray[np.int64] | None = None
) -> Temperature | None:
    """The temperature of logits (N, K) against labels (N,), kept where it helps by more than noise.

    Guo et al., "On calibration of modern neural networks" (2017). Whether it helps is judged by
    cross-validation: the images of each part are divided by what the others ask for. It is kept where the
    95 % interval of the gain in log loss lies above nought, the gain is worth it, and some answers are wrong.

    Args:
        logits: of images held out from training.
        labels: class indices.
        parts: of each image, the part that it is judged in; every fifth image together unless given.

    Returns:
        None for fewer than 50 images, or of one class.
    """
    if len(labels) < FEWEST or logits.shape[1] < 2 or not np.isfinite(logits).all():
        return None
    where = np.arange(len(labels)) % PARTS if parts is None else parts
    apart = temper_by_others(logits, labels, where)
    before, after = (cross_entropy_per_image(each, labels).astype(np.float64) for each in (logits, apart))
    interval = t_interval(before - after)
    fitted = least_loss(logits, labels)
    calibration, tempered = calibrate(logits, labels), calibrate(apart, labels)
    wrong = int((logits.argmax(axis=1) != labels).sum())
    helps = interval[0] > 0 and (before - after).mean() >= LEAST_GAIN and wrong >= FEWEST_WRONG
    return Temperature(
        value=fitted if helps else 1.0,
        fitted=fitted,
        n=len(labels),
        loss_before=float(before.mean()),
        loss_after=float(after.mean()),
        gain_interval=interval,
        error_before=calibration.error,
        error_after=tempered.error,
        error_limit=tempered.error_limit,
    )


def temper_by_others(
    logits: NDArray[np.float32], labels: NDArray[np.int64], parts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Logits (N, K), those of each part (N,) divided by what fits the others: no label speaks for itself."""
    apart = np.array(logits, dtype=np.float32)
    for part in np.unique(parts):
        others = parts != part
        if others.any():
            apart[~others] /= np.float32(least_loss(logits[others], labels[others]))
    return apart


def tempered_loss(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean log loss of logits (N, K), in nats, at the temperature that suits them best: for comparing.

    Whoever is surer or less sure than it should be loses nothing by that. With fewer images than a
    temperature takes it is the loss as it is; not a number where a logit is none.
    """
    if not np.isfinite(logits).all():
        return math.nan
    divisor = least_loss(logits, labels) if len(labels) >= FEWEST else 1.0
    return float(cross_entropy_per_image(logits / divisor, labels).mean())


def least_loss(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """What logits (N, K) must be divided by for the least log loss of labels (N,): between 1/20 and 20."""
    from scipy.optimize import minimize_scalar

    scores = logits.astype(np.float64)

    def loss(logarithm: float) -> float:
        return float(cross_entropy_per_image(scores / math.exp(logarithm), labels).mean())

    return math.exp(float(minimize_scalar(loss, bounds=(-_BOUNDS, _BOUNDS), method="bounded").x))
