"""Counts and scores instead of classes: how far off the answers are, and where they mean nothing."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.errors import DataError, DivergedError
from convscope.evaluation.proportion import Interval, Proportion, finite_or_none, t_interval
from convscope.wording import between, rounded, some

NUM_WORST = 9


@dataclass(frozen=True)
class MeanAbsoluteError:
    """The mean distance between answer and truth, in the target's unit, with a 95 % interval."""

    value: float
    interval: Interval
    """Student's t over the images, cut at 0; (nan, nan) for fewer than two images."""
    n: int

    def __str__(self) -> str:
        if math.isnan(self.interval[0]):
            return "–" if self.n == 0 else f"{rounded(self.value)} ({some(self.n, 'image')}: no interval)"
        return f"{rounded(self.value)} ({some(self.n, 'image')}){_interval(self.interval)}"

    def to_dict(self) -> dict[str, Any]:
        """What `--json` holds; None stands for nan."""
        interval = [finite_or_none(end) for end in self.interval]
        return {"value": finite_or_none(self.value), "interval": interval, "n": self.n}


@dataclass(frozen=True)
class Miss:
    """One image and how far off its answer is."""

    id: str
    index: int
    target: float
    prediction: float

    @property
    def error(self) -> float:
        """Answer minus truth, in the target's unit."""
        return self.prediction - self.target

    def to_dict(self) -> dict[str, Any]:
        """All fields and the error, for JSON."""
        return {**asdict(self), "error": self.error}


@dataclass(frozen=True)
class Regression:
    """What a network that answers with a number does on one split; shows itself in a notebook."""

    mean_absolute_error: MeanAbsoluteError
    root_mean_squared_error: float
    """In the target's unit; well above the mean absolute error where a few answers are far off."""
    root_mean_squared_error_interval: Interval
    """95 %, from the t-interval of the mean square, cut at 0; (nan, nan) for fewer than two images."""
    mean_error: float
    """Answer minus truth: above 0 the answers are too high on the whole."""
    mean_error_interval: Interval
    """Its 95 % t-interval; (nan, nan) for fewer than two images."""
    within_half: Proportion | None
    """How many answers are at most 0.5 off: of counts, those that round to the right one. None where the
    truth is no whole numbers, for which 0.5 means nothing."""
    worst: tuple[Miss, ...]
    """The answers furthest off, the worst first."""
    targets_outside: int
    """How many true numbers lie outside the range seen in training; 0 where no range was given."""
    answers_outside: int
    """How many answers do."""
    inside: MeanAbsoluteError | None
    """The mean absolute error of the targets inside the training range; None where no range was given."""

    def __str__(self) -> str:
        lines = [
            f"mean absolute error      {self.mean_absolute_error}",
            f"root mean squared error  {rounded(self.root_mean_squared_error)}"
            f"{_interval(self.root_mean_squared_error_interval)}",
            f"mean error               {_signed(self.mean_error, self.mean_error_interval)}",
        ]
        if self.within_half is not None:
            lines.append(f"within 0.5               {self.within_half}")
        if (self.targets_outside or self.answers_outside) and self.inside is not None:
            lines.append(f"inside the range         {self.inside}")
            lines.append(
                f"outside the range        {self.targets_outside:,} targets, {self.answers_outside:,} answers"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """What `--json` holds; None stands for nan."""
        return {
            "mean_absolute_error": self.mean_absolute_error.to_dict(),
            "root_mean_squared_error": finite_or_none(self.root_mean_squared_error),
            "root_mean_squared_error_interval": _plain(self.root_mean_squared_error_interval),
            "mean_error": finite_or_none(self.mean_error),
            "mean_error_interval": _plain(self.mean_error_interval),
            "within_half": None if self.within_half is None else self.within_half.to_dict(),
            "inside": None if self.inside is None else self.inside.to_dict(),
            "worst": [miss.to_dict() for miss in self.worst],
            "targets_outside": self.targets_outside,
            "answers_outside": self.answers_outside,
        }

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def evaluate_regression(
    predictions: NDArray[np.float32],
    targets: NDArray[np.float32],
    ids: Sequence[str],
    training_range: tuple[float, float] | None = None,
) -> Regression:
    """Evaluate predictions (N,) against targets (N,), in the target's unit.

    training_range is the least and the greatest target of the training split. DataError where the lengths do
    not fit or a target is not finite; DivergedError where a prediction is not.
    """
    _check(predictions, targets, ids)
    # In float64: a count of 65 squared and summed over a split outgrows float32's digits.
    truth = targets.astype(np.float64)
    errors = predictions.astype(np.float64) - truth
    distances = np.abs(errors)
    inside = None
    if training_range is not None:
        low, high = training_range
        inside = _mean_absolute_error(distances[(truth >= low) & (truth <= high)])
    return Regression(
        mean_absolute_error=_mean_absolute_error(distances),
        root_mean_squared_error=math.sqrt(float(np.mean(errors**2))) if len(errors) else math.nan,
        root_mean_squared_error_interval=_root(t_interval(errors**2)),
        mean_error=float(np.mean(errors)) if len(errors) else math.nan,
        mean_error_interval=t_interval(errors),
        within_half=_within_half(truth, distances),
        worst=tuple(
            Miss(ids[index], index, float(targets[index]), float(predictions[index]))
            for index in np.argsort(-distances, kind="stable")[:NUM_WORST].tolist()
        ),
        targets_outside=0 if training_range is None else count_outside(targets, training_range),
        answers_outside=0 if training_range is None else count_outside(predictions, training_range),
        inside=inside,
    )


def count_outside(values: NDArray[np.float32], training_range: tuple[float, float]) -> int:
    """How many numbers (N,) lie outside the range seen in training."""
    low, high = training_range
    return int(((values < low) | (values > high)).sum())


def _mean_absolute_error(distances: NDArray[np.float64]) -> MeanAbsoluteError:
    low, high = t_interval(distances)
    if not math.isnan(low):
        low = max(0.0, low)
    value = float(np.mean(distances)) if len(distances) else math.nan
    return MeanAbsoluteError(value, (low, high), len(distances))


def _check(predictions: NDArray[np.float32], targets: NDArray[np.float32], ids: Sequence[str]) -> None:
    if predictions.ndim != 1 or predictions.shape != targets.shape or len(ids) != len(targets):
        raise DataError(
            f"predictions of shape {predictions.shape}, targets of shape {targets.shape} and {len(ids)} ids "
            "do not fit: all three need one entry per image"
        )
    unknown = np.flatnonzero(~np.isfinite(targets))
    if len(unknown):
        raise DataError(
            f"the target of {ids[unknown[0]]} is not a finite number ({len(unknown):,} such); leave those out"
        )
    broken = np.flatnonzero(~np.isfinite(predictions))
    if len(broken):
        raise DivergedError(
            f"the network's answer is not finite for {len(broken):,} of {len(ids):,} images, first "
            f"{ids[broken[0]]}. Use an earlier checkpoint, or train with a lower learning rate"
        )


def _within_half(truth: NDArray[np.float64], distances: NDArray[np.float64]) -> Proportion | None:
    if not bool((truth == np.round(truth)).all()):
        return None
    return Proportion(int((distances <= 0.5).sum()), len(distances))


def _root(interval: Interval) -> Interval:
    """The root of both ends, 0 for one below it."""
    low, high = interval
    return (math.sqrt(max(0.0, low)), math.sqrt(high)) if math.isfinite(low) else interval


def _plain(interval: Interval) -> list[float | None]:
    return [finite_or_none(end) for end in interval]


def _signed(value: float, interval: Interval) -> str:
    """`−1.25, 95 % interval −2 to −0.5: too low on the whole`; which way only where the interval says so."""
    low, high = interval
    side = ": too high on the whole" if low > 0 else ": too low on the whole" if high < 0 else ""
    return f"{'+' if value > 0 else ''}{rounded(value)}{_interval(interval)}{side}"


def _interval(interval: Interval) -> str:
    """`, 95 % interval 1.2–3.4`; nothing where there is none."""
    return "" if math.isnan(interval[0]) else f", 95 % interval {between(*interval)}"
