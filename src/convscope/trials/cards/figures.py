"""A figure of one run, and the same figure over several seeds: each says how sure it is."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.config.reference import Kind
from convscope.evaluation.proportion import (
    Interval,
    MeanOverRuns,
    Proportion,
    finite_or_none,
    t_interval,
)

SHARES: tuple[Kind, ...] = ("accuracy", "difference")
"""Kinds that are said in per cent."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One figure of one run.

    Attributes:
        value: a share of the images, a mean over them, a number, or 1 for true and 0 for false.
        interval: 95 %, of which images there happened to be; None where no images were drawn.
        images: how many; of a difference between two splits, of the smaller one.
        deviation: standard deviation of one image's value, so that as many images leave the interval open;
            None where that means nothing.
        course: the figure after each of several steps, where it was followed.
    """

    value: float
    interval: Interval | None = None
    images: int | None = None
    deviation: float | None = None
    course: tuple[dict[str, float], ...] = field(default=())

    @staticmethod
    def share(right: NDArray[np.bool_]) -> "Measured":
        """Of the images, how many are right `(N,)`."""
        return Measured.of_count(int(right.sum()), len(right))

    @staticmethod
    def of_count(correct: int, images: int) -> "Measured":
        """So many right of so many."""
        found = Proportion(correct, images)
        # Two of each are added, so that all right is not taken for certain (Agresti & Coull, 1998).
        likely = (found.correct + 2) / (found.n + 4)
        deviation = math.sqrt(likely * (1 - likely))
        return Measured(value=found.value, interval=found.interval, images=found.n, deviation=deviation)

    @staticmethod
    def mean_of(values: NDArray[np.floating[Any]]) -> "Measured":
        """The mean of one value an image `(N,)`, with Student's interval."""
        exact = values.astype(np.float64)
        low, high = t_interval(exact)
        deviation = float(np.std(exact, ddof=1)) if len(exact) > 1 else None
        return Measured(
            value=float(exact.mean()),
            interval=None if math.isnan(low) else (low, high),
            images=len(exact),
            deviation=deviation,
        )

    def standard_error(self, images: int | None) -> float:
        """What the choice of so many images adds to such a figure; 0 where that is not known."""
        return 0.0 if self.deviation is None or not images else self.deviation / math.sqrt(images)

    def to_dict(self) -> dict[str, Any]:
        """For a card."""
        values = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return values | {"value": finite_or_none(self.value)}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Measured":
        """The inverse of `to_dict`."""
        interval, course = values.get("interval"), values.get("course", ())
        return Measured(
            value=math.nan if values["value"] is None else values["value"],
            interval=None if interval is None or None in interval else (interval[0], interval[1]),
            images=values.get("images"),
            deviation=values.get("deviation"),
            course=tuple(course),
        )


@dataclass(frozen=True)
class Pooled:
    """The same figure of several seeds, in their order."""

    kind: Kind
    seeds: tuple[Measured, ...]

    @property
    def over_runs(self) -> MeanOverRuns:
        """Mean, standard deviation and interval over the seeds."""
        values = tuple(each.value for each in self.seeds)
        return MeanOverRuns(values, is_share=self.kind == "accuracy")

    @property
    def value(self) -> float:
        """The mean."""
        return self.over_runs.mean

    @property
    def interval(self) -> Interval | None:
        """95 %: of the mean over the seeds; of one seed, or of such as are all alike, over its images.

        None where neither is known.
        """
        low, high = self.over_runs.interval if len(self.seeds) > 1 else (math.nan, math.nan)
        return (low, high) if math.isfinite(low) else self.seeds[0].interval

    @property
    def images(self) -> int | None:
        """How many images each seed was measured on."""
        return self.seeds[0].images

    def to_dict(self) -> dict[str, Any]:
        """For a card: each seed's figure, and all together."""
        return {
            "kind": self.kind,
            "value": finite_or_none(self.value),
            "standard_deviation": finite_or_none(self.over_runs.standard_deviation),
            "interval": None if self.interval is None else list(self.interval),
            "images": self.images,
            "seeds": [each.to_dict() for each in self.seeds],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Pooled":
        """The inverse of `to_dict`."""
        return Pooled(values["kind"], tuple(Measured.from_dict(each) for each in values["seeds"]))


def difference(first: NDArray[np.bool_], second: NDArray[np.bool_], *, paired: bool) -> Measured:
    """The share right of `first` minus that of `second`, with a 95 % interval.

    Paired, over the same images: Wald's interval with half an image added to each way of differing (Agresti &
    Min, 2005). Otherwise Newcombe's from the two Wilson intervals (1998, his method 10).
    """
    one, other = Measured.share(first), Measured.share(second)
    value = one.value - other.value
    if not paired:
        fewest = min(len(first), len(second))
        error = math.hypot(one.standard_error(one.images), other.standard_error(other.images))
        deviation = error * math.sqrt(fewest)
        return Measured(value=value, interval=_newcombe(one, other), images=fewest, deviation=deviation)
    count = len(first) + 2
    gained, lost = (int(np.sum(a & ~b)) + 0.5 for a, b in ((first, second), (second, first)))
    middle = (gained - lost) / count
    deviation = math.sqrt((gained + lost) / count - middle**2)
    half = 1.959964 * deviation / math.sqrt(count)
    ends = (middle - half, middle + half)
    return Measured(value=value, interval=ends, images=len(first), deviation=deviation)


def _newcombe(one: Measured, other: Measured) -> Interval:
    (low, high), (other_low, other_high) = one.interval or (0.0, 1.0), other.interval or (0.0, 1.0)
    value = one.value - other.value
    return (
        value - math.hypot(one.value - low, other_high - other.value),
        value + math.hypot(high - one.value, other.value - other_low),
    )


def pool(kind: Kind, seeds: Sequence[Measured]) -> Pooled:
    """One figure of several seeds."""
    return Pooled(kind, tuple(seeds))
