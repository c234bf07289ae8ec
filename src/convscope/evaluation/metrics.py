"""Logits and labels in, everything that is said about a classifier out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.errors import DataError, DivergedError
from convscope.evaluation.calibration import Calibration, calibrate
from convscope.evaluation.confusion import LARGEST_SHOWN, ConfusedPair, Confusion, confusion_matrix
from convscope.evaluation.errors import ImageError, cross_entropy_per_image, find_errors, worst_errors
from convscope.evaluation.proportion import Interval, Proportion, finite_or_none, t_interval
from convscope.notebook import line, table

NUM_WORST = 9
NUM_MOST_CONFUSED = 5

CLASS_COLUMNS = ("class", "precision %", "recall %", "F1 %", "images")
"""Of the table of all classes; figures with their 95 % intervals."""

# With few classes nearly everything is among the first five.
_TOP_5_FROM = 20

# A matrix of a thousand classes is a million numbers, nearly all of them 0.
_LARGEST_MATRIX_IN_JSON = 100


@dataclass(frozen=True)
class ClassScores:
    """How one class fares; a figure is nan where it would be a division by zero, and is shown as –."""

    name: str
    right: int
    """Images of this class that were recognised."""
    predicted: int
    """How many images were taken for this class."""
    support: int
    """How many images of this class there are."""

    @property
    def precision(self) -> float:
        """Of the images taken for this class, how many are of it."""
        return Proportion(self.right, self.predicted).value

    @property
    def precision_interval(self) -> Interval:
        """Its 95 % interval, 0 to 1."""
        return Proportion(self.right, self.predicted).interval

    @property
    def recall(self) -> float:
        """Of the images of this class, how many were recognised."""
        return Proportion(self.right, self.support).value

    @property
    def recall_interval(self) -> Interval:
        """Its 95 % interval, 0 to 1."""
        return Proportion(self.right, self.support).interval

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return _f1_of(self._overlap.value)

    @property
    def f1_interval(self) -> Interval:
        """Its 95 % interval, 0 to 1: that of the share of which F1 is a function."""
        low, high = self._overlap.interval
        return _f1_of(low), _f1_of(high)

    @property
    def _overlap(self) -> Proportion:
        """Of the images that are of this class or were taken for it, those that are both (Jaccard)."""
        return Proportion(self.right, self.predicted + self.support - self.right)

    def cells(self) -> tuple[str, ...]:
        """The row of a table under `CLASS_COLUMNS`."""
        return (
            self.name,
            _with_interval(self.precision, self.precision_interval),
            _with_interval(self.recall, self.recall_interval),
            _with_interval(self.f1, self.f1_interval),
            f"{self.support:,}",
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON; None stands for nan."""
        return {
            "name": self.name,
            "precision": finite_or_none(self.precision),
            "precision_interval": list(self.precision_interval),
            "recall": finite_or_none(self.recall),
            "recall_interval": list(self.recall_interval),
            "f1": finite_or_none(self.f1),
            "f1_interval": list(self.f1_interval),
            "support": self.support,
            "predicted": self.predicted,
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier does on one split; shows itself in a notebook."""

    accuracy: Proportion
    loss: float
    """Mean cross-entropy in nats; a classifier that knows nothing has ln(num_classes)."""
    loss_interval: Interval
    """Its 95 % t-interval over the images; (nan, nan) for fewer than two."""
    top_5: Proportion | None
    """How many images have their class among the five likeliest; None with fewer than 20 classes."""
    per_class: tuple[ClassScores, ...]
    """In the classes' order."""
    confusion: Confusion
    errors: tuple[ImageError, ...]
    """All of them, in the split's order."""
    calibration: Calibration

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images: what accuracy would be with equal classes."""
        return _mean_of_defined([scores.recall for scores in self.per_class])

    @property
    def macro_precision(self) -> float:
        """The mean precision of the classes that were predicted at all."""
        return _mean_of_defined([scores.precision for scores in self.per_class])

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have images or were predicted; one never found counts as 0."""
        return _mean_of_defined([scores.f1 for scores in self.per_class])

    @cached_property
    def most_confused(self) -> tuple[ConfusedPair, ...]:
        """The pairs of classes confused most often; `confusion.pairs()` has all."""
        return self.confusion.pairs(NUM_MOST_CONFUSED)

    @cached_property
    def worst(self) -> tuple[ImageError, ...]:
        """The errors of greatest loss, the worst first."""
        return worst_errors(self.errors, NUM_WORST)

    def weakest(self, limit: int) -> tuple[ClassScores, ...]:
        """The classes of lowest F1, the lowest first; those without images and predictions are left out."""
        defined = [scores for scores in self.per_class if not math.isnan(scores.f1)]
        return tuple(sorted(defined, key=lambda scores: scores.f1)[:limit])

    def __repr__(self) -> str:
        return f"Evaluation(accuracy={self.accuracy!r}, loss={self.loss:.4g}, classes={len(self.per_class)})"

    def to_dict(self) -> dict[str, Any]:
        """What `--json` holds: no nan, and no confusion matrix (None) for more than 100 classes."""
        small = len(self.per_class) <= _LARGEST_MATRIX_IN_JSON
        return {
            "accuracy": self.accuracy.to_dict(),
            "loss": finite_or_none(self.loss),
            "loss_interval": [finite_or_none(end) for end in self.loss_interval],
            "top_5": None if self.top_5 is None else self.top_5.to_dict(),
            "balanced_accuracy": finite_or_none(self.balanced_accuracy),
            "macro_precision": finite_or_none(self.macro_precision),
            "macro_f1": finite_or_none(self.macro_f1),
            "per_class": [scores.to_dict() for scores in self.per_class],
            "confusion": self.confusion.counts.tolist() if small else None,
            "most_confused": [pair.to_dict() for pair in self.most_confused],
            "worst": [error.to_dict() for error in self.worst],
            "calibration": self.calibration.to_dict(),
        }

    def _repr_html_(self) -> str:
        shown, heading = self.per_class, ""
        if len(shown) > LARGEST_SHOWN:
            shown = self.weakest(LARGEST_SHOWN)
            heading = line(f"the {LARGEST_SHOWN} classes of lowest F1, of {len(self.per_class):,}")
        loss = "–" if math.isnan(self.loss) else f"{self.loss:.4g}"
        return (
            line(f"accuracy {self.accuracy} · loss {loss}")
            + heading
            + table(CLASS_COLUMNS, [scores.cells() for scores in shown])
            + self.confusion._repr_html_()
        )


def evaluate_logits(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    ids: Sequence[str],
    class_names: Sequence[str],
) -> Evaluation:
    """Evaluate logits (N, K) against labels (N,), with N ids and K class names.

    DataError where the shapes do not fit or a label is no class; DivergedError where a logit is not finite.
    """
    _check(logits, labels, ids, class_names)
    confusion = confusion_matrix(logits.argmax(axis=1), labels, class_names)
    return Evaluation(
        accuracy=accuracy(logits, labels),
        loss=cross_entropy(logits, labels),
        loss_interval=loss_interval(logits, labels),
        top_5=top_k_accuracy(logits, labels, 5) if len(class_names) >= _TOP_5_FROM else None,
        per_class=score_classes(confusion),
        confusion=confusion,
        errors=find_errors(logits, labels, ids, class_names),
        calibration=calibrate(logits, labels),
    )


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Proportion:
    """How many images have their greatest logit at their label; of equal logits the first class wins."""
    return Proportion(int((logits.argmax(axis=1) == labels).sum()), len(labels))


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean cross-entropy in nats; nan without images."""
    return float(cross_entropy_per_image(logits, labels).mean()) if len(labels) else math.nan


def loss_interval(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Interval:
    """The 95 % t-interval of the mean cross-entropy, cut at 0; (nan, nan) for fewer than two images."""
    low, high = t_interval(cross_entropy_per_image(logits, labels))
    return (low if math.isnan(low) else max(0.0, low), high)


def top_k_accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64], k: int) -> Proportion:
    """How many images have their label among their k greatest logits; ties as in `accuracy`."""
    if k < 1:
        raise ValueError(f"top-k accuracy needs k >= 1; got {k}")
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & earlier)
    return Proportion(int((ahead.sum(axis=1) < k).sum()), len(labels))


def score_classes(confusion: Confusion) -> tuple[ClassScores, ...]:
    """Precision, recall, F1 and support of each class."""
    rows = zip(
        confusion.class_names,
        np.diag(confusion.counts).tolist(),
        confusion.counts.sum(axis=0).tolist(),
        confusion.counts.sum(axis=1).tolist(),
        strict=True,
    )
    return tuple(ClassScores(*row) for row in rows)


def _check(
    logits: NDArray[np.float32], labels: NDArray[np.int64], ids: Sequence[str], class_names: Sequence[str]
) -> None:
    expected = (len(labels), len(class_names))
    if logits.shape != expected or len(ids) != len(labels):
        raise DataError(
            f"logits of shape {logits.shape} and {len(ids)} ids do not fit {expected[0]} labels and "
            f"{expected[1]} class names: logits must be (images, classes), with one id per image"
        )
    strange = labels[(labels < 0) | (labels >= expected[1])]
    if len(strange):
        raise DataError(
            f"label {strange[0]} is no class: labels go from 0 to {expected[1] - 1}, one for each class name"
        )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise DivergedError(
            f"the network's output is not finite for {len(broken):,} of {len(ids):,} images, first "
            f"{ids[broken[0]]}. Use an earlier checkpoint, or train with a lower learning rate"
        )


def _f1_of(overlap: float) -> float:
    """From Jaccard's index to F1, of which it is a growing function."""
    return 2 * overlap / (1 + overlap)


def _mean_of_defined(values: list[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _with_interval(value: float, interval: Interval) -> str:
    """`93.3 (70.2–98.8)`, in per cent."""
    if math.isnan(value):
        return "–"
    low, high = interval
    return f"{100 * value:.1f} ({100 * low:.1f}–{100 * high:.1f})"
