"""A difference with its intervals and its p-value, however it was found; and several of them at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from convscope.comparison.crossed import cross
from convscope.comparison.paired import mid_p_mcnemar, paired_interval
from convscope.evaluation.proportion import CONFIDENCE, Interval, finite_or_none

LEVEL = 1 - CONFIDENCE
"""Of all tests: 5 %."""

TWO_ONE_SIDED = 1 - 2 * LEVEL
"""Confidence of the interval that must lie within the margin for two things to be called the same: two
one-sided tests at 5 % each (D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987)."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A difference, second minus first.

    Attributes:
        value: in shares of 1, in nats or in the target's unit.
        interval: 95 %; (nan, nan) where none can be given.
        narrow: 90 %, by which two things may be called the same.
        p_value: two-sided, of no difference.
        n: images.
    """

    value: float
    interval: Interval
    narrow: Interval
    p_value: float
    n: int

    @property
    def is_sure(self) -> bool:
        """Whether it is a difference, and not luck: the test says so, and the interval as well."""
        return self.p_value < LEVEL and not self.interval[0] <= 0 <= self.interval[1]

    def is_within(self, margin: float) -> bool:
        """Whether it is no larger than the margin, and that not by luck."""
        return -margin < self.narrow[0] and self.narrow[1] < margin

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None stands for nan."""
        return {
            "value": finite_or_none(self.value),
            "interval": [finite_or_none(end) for end in self.interval],
            "p_value": finite_or_none(self.p_value),
            "n": self.n,
        }


def of_shares(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Estimate:
    """Two classifiers: who is right more often `(n,)`, by mid-p McNemar and Tango's interval."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n = len(first)
    return Estimate(
        value=(only_second - only_first) / n,
        interval=_ends(paired_interval(only_first, only_second, n)),
        narrow=_ends(paired_interval(only_first, only_second, n, TWO_ONE_SIDED)),
        p_value=float(mid_p_mcnemar(only_first, only_second)),
        n=n,
    )


def of_means(
    first: NDArray[np.float64], second: NDArray[np.float64], *, n: int, is_share: bool = False
) -> Estimate:
    """Two classifiers: the mean of one value a unit, by Student's paired test.

    Args:
        first, second: of each unit: an image, or a group of images that belong together.
        n: images.
        is_share: whether the values say what is right.
    """
    return _student(second - first, 1 / len(first), n, trials=len(first) if is_share else None)


def of_recipes(
    first: NDArray[Any], second: NDArray[Any], *, n: int | None = None, is_share: bool = True
) -> Estimate:
    """Two recipes: one value for each seed and unit, `(K, m)` and `(L, m)`; see `comparison.crossed`.

    `n` are the images: as many as units unless given.
    """
    crossed = cross(first, second, is_share=is_share)
    return Estimate(
        value=float(crossed.value),
        interval=_ends(crossed.interval()),
        narrow=_ends(crossed.interval(TWO_ONE_SIDED)),
        p_value=float(crossed.p_value),
        n=crossed.images if n is None else n,
    )


def of_folds(differences: NDArray[np.float64], folds: int, n: int, *, is_share: bool = False) -> Estimate:
    """Two recipes that were cross-validated on the same folds: the difference in each fold `(J,)`.

    Nadeau and Bengio's corrected test: the folds' training images overlap, and the variance of the mean is
    taken as (1/J + 1/(folds - 1)) s² ("Inference for the generalization error", Machine Learning 52, 2003).
    """
    inverse_size = 1 / len(differences) + 1 / (folds - 1)
    return _student(differences, inverse_size, n, trials=n if is_share else None)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for as many comparisons as there are: the chance of even one false alarm stays at the level.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6,
    1979.
    """
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _student(
    values: NDArray[np.float64], inverse_size: float, n: int, *, trials: int | None = None
) -> Estimate:
    """Student's test of the mean, whose variance is `inverse_size` times that of one value.

    Shares that differ nowhere have no variance, and yet are not sure to be the same: then Tango's interval of
    as many `trials` without a difference says how sure.
    """
    count, mean = len(values), float(np.mean(values))
    if count < 2 or bool((values == values[0]).all()):
        if mean != 0:
            unknown = (math.nan, math.nan)
            return Estimate(value=mean, interval=unknown, narrow=unknown, p_value=math.nan, n=n)
        wide, narrow = (
            (0.0, 0.0) if trials is None else _ends(paired_interval(0, 0, trials, confidence))
            for confidence in (CONFIDENCE, TWO_ONE_SIDED)
        )
        return Estimate(value=0.0, interval=wide, narrow=narrow, p_value=1.0, n=n)
    error = float(np.std(values, ddof=1)) * math.sqrt(inverse_size)
    half, least = (
        float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * error
        for confidence in (CONFIDENCE, TWO_ONE_SIDED)
    )
    return Estimate(
        value=mean,
        interval=(mean - half, mean + half),
        narrow=(mean - least, mean + least),
        p_value=float(2 * special.stdtr(count - 1, -abs(mean) / error)),
        n=n,
    )


def _ends(interval: tuple[Any, Any]) -> Interval:
    return float(interval[0]), float(interval[1])
