"""Figures that say how sure they are: a share with its interval, a mean over runs with its interval."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special  # not stats: that nearly doubles the time to import this

from convscope.wording import apart, some

CONFIDENCE = 0.95
Interval = tuple[float, float]
_NORMAL_QUANTILE = float(special.ndtri(0.5 + CONFIDENCE / 2))

# Below this many images a second decimal of a per cent would be decoration.
_TWO_DECIMALS_FROM = 1_000

_MOST_DECIMALS = 12


@dataclass(frozen=True, repr=False)
class Proportion:
    """`correct` of `n`, with a 95 % interval.

    With n = 0 nothing is known: the value is nan and the interval 0 to 1.

    >>> import convscope as cs
    >>> cs.Proportion(correct=341, n=366)
    Proportion(0.932, interval=(0.901, 0.953), n=366)
    >>> print(cs.Proportion(correct=341, n=366))
    93.2 % (341 / 366), 95 % interval 90.1–95.3
    """

    correct: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.n:
            raise ValueError(f"a proportion needs 0 <= correct <= n; got correct={self.correct}, n={self.n}")

    @property
    def value(self) -> float:
        """The share, 0 to 1; nan where n is 0."""
        return self.correct / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval, each end 0 to 1.

        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. Unlike the
        textbook's p ± 1.96 s it stays within 0 and 1 and does not shrink to a point when all are right.
        """
        return score_interval(self.value, self.n)

    def __str__(self) -> str:
        if self.n == 0:
            return "– (0 / 0)"
        least = 2 if self.n >= _TWO_DECIMALS_FROM else 1
        value = apart([100 * self.value], least, edges=(0.0, 100.0))[0]
        low, high = apart([100 * end for end in self.interval], 1, edges=(0.0, 100.0))
        return f"{value} % ({self.correct:,} / {self.n:,}), 95 % interval {low}–{high}"

    def __repr__(self) -> str:
        value = "nan" if self.n == 0 else apart([self.value], 3, edges=(0.0, 1.0))[0]
        low, high = apart(list(self.interval), 3, edges=(0.0, 1.0))
        return f"Proportion({value}, interval=({low}, {high}), n={self.n})"

    def to_dict(self) -> dict[str, Any]:
        """What `--json` and the run's summary hold; the value is None where n is 0 (JSON has no nan)."""
        return {
            "value": finite_or_none(self.value),
            "interval": list(self.interval),
            "n": self.n,
            "correct": self.correct,
        }


def score_interval(share: float, n: float) -> Interval:
    """Wilson's 95 % interval of a share among n images, no whole number maybe; 0 to 1 where n is 0."""
    if n == 0:
        return (0.0, 1.0)
    shrink = 1 + _NORMAL_QUANTILE**2 / n
    centre = (share + _NORMAL_QUANTILE**2 / (2 * n)) / shrink
    variance = share * (1 - share) / n + (_NORMAL_QUANTILE / (2 * n)) ** 2
    half = _NORMAL_QUANTILE * math.sqrt(variance) / shrink
    # At the edges the formula gives exactly 0 and 1, its rounding does not.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return (low, high)


def interval_by_groups(right: NDArray[np.bool_], groups: NDArray[np.int64]) -> Interval:
    """The 95 % interval of the share of images that are right, where those of a group are so together.

    Wilson's interval for as many independent images as are worth the same (Korn & Graubard, "Confidence
    intervals for proportions with small expected number of positive counts estimated from survey data",
    1998): their number is n over the design effect, the variance of the share by whole groups over that by
    images, which is taken as 1 at least; and less again, by Student's quantile, where groups are few. With
    all right, or none, groups are counted as if each were one image (Kish 1965).

    Args:
        right: `(N,)`, of each image.
        groups: `(N,)`, the number of its group; an image alone has one of its own.
    """
    count, share = len(right), float(right.mean()) if len(right) else 0.0
    _, places = np.unique(groups, return_inverse=True)
    sizes = np.bincount(places)
    if len(sizes) < 2:
        return (0.0, 1.0)
    worth = count**2 / float((sizes**2).sum())
    if 0 < share < 1:
        apart = np.bincount(places, weights=right - share)
        variance = len(sizes) / (len(sizes) - 1) * float((apart**2).sum()) / count**2
        worth = min(count, share * (1 - share) / variance) if variance else count
    student = float(special.stdtrit(len(sizes) - 1, 0.5 + CONFIDENCE / 2))
    return score_interval(share, worth * (_NORMAL_QUANTILE / student) ** 2)


@dataclass(frozen=True)
class MeanOverRuns:
    """The mean of one figure over several runs (seeds or folds), with a 95 % t-interval.

    Over seeds on one split the interval covers what the seed changes, not which images happened to be in the
    test set. Over folds it is approximate, whatever the formula: the folds' training sets overlap, so their
    figures are not independent, and no unbiased estimate of their variance exists (Bengio & Grandvalet,
    2004). Make those with `of_folds`. With one run, the deviation and the interval are nan.
    """

    values: tuple[float, ...]
    is_share: bool = False
    """The values are shares, 0 to 1: the interval is cut to that, and the text is in per cent."""
    test_to_train: float = 0.0
    """Test images over training images where runs share training images; 0 for seeds on one split."""

    @classmethod
    def of_folds(cls, values: tuple[float, ...], num_folds: int, *, is_share: bool = False) -> Self:
        """Of k-fold cross-validation, repeated or not, with Nadeau & Bengio's corrected variance.

        C. Nadeau and Y. Bengio, "Inference for the generalization error", 2003: the variance of the mean is
        (1/J + test/train) s², J the number of values; for k folds test/train is 1/(k - 1). Used for repeated
        k-fold by Bouckaert & Frank, 2004. More repeats therefore do not narrow the interval without end.
        """
        if num_folds < 2:
            raise ValueError(f"cross-validation needs at least 2 folds; got {num_folds}")
        return cls(tuple(values), is_share=is_share, test_to_train=1 / (num_folds - 1))

    @property
    def n(self) -> int:
        """How many runs."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The mean; nan where there is no run."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def standard_deviation(self) -> float:
        """Of the runs, with n - 1; nan for fewer than two."""
        return float(np.std(self.values, ddof=1)) if self.n > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The mean's 95 % t-interval; (nan, nan) for fewer than two runs, or where all are alike."""
        low, high = t_interval(np.asarray(self.values, dtype=np.float64), self.test_to_train)
        is_cut = self.is_share and not math.isnan(low)
        return (max(low, 0.0), min(high, 1.0)) if is_cut else (low, high)

    def __str__(self) -> str:
        def said(value: float) -> str:
            if self.is_share:
                return f"{100 * value:.1f}"
            return f"{value:.{decimals}f}" if decimals <= _MOST_DECIMALS else f"{value:.3g}"

        # Three decimals, and more where they would not be three digits: a mean of 0.0000012 is not 0.000.
        largest = max((abs(each) for each in (self.mean, *self.interval) if math.isfinite(each)), default=0.0)
        decimals = max(3, 2 - math.floor(math.log10(largest or 1)))

        unit = " %" if self.is_share else ""
        runs = some(self.n, "run")
        if self.n == 0:
            return f"– ({runs})"
        value = f"{said(self.mean)}{unit}"
        if math.isnan(self.interval[0]):
            return f"{value} ({runs}{', all alike' if self.n > 1 else ''}: no interval)"
        low, high = (said(end) for end in self.interval)
        to = " to " if low.startswith("-") else "–"
        spread = f"standard deviation {said(self.standard_deviation)}"
        return f"{value} ({runs}, {spread}), 95 % interval {low}{to}{high}".replace("-", "−")

    def to_dict(self) -> dict[str, Any]:
        """What `--json` holds; None stands where a figure is not defined (JSON has no nan)."""
        return {
            "value": finite_or_none(self.mean),
            "sd": finite_or_none(self.standard_deviation),
            "interval": [finite_or_none(end) for end in self.interval],
            "n": self.n,
            "values": [finite_or_none(value) for value in self.values],
        }


def t_interval(values: np.ndarray[Any, np.dtype[np.float64]], overlap: float = 0.0) -> tuple[float, float]:
    """Student's 95 % interval of the mean of `values` (N,); (nan, nan) for fewer than two, or all alike.

    Without any spread the interval would be a point, as if the mean were known for certain.

    `overlap` is added to 1/N in the variance of the mean: see `MeanOverRuns.of_folds`.
    """
    count = len(values)
    if count < 2 or bool((values == values[0]).all()):
        return (math.nan, math.nan)
    error = float(np.std(values, ddof=1)) * math.sqrt(1 / count + overlap)
    half = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2)) * error
    mean = float(np.mean(values))
    return (mean - half, mean + half)


def finite_or_none(value: float) -> float | None:
    """The value as JSON can hold it: None for nan and infinities."""
    return float(value) if math.isfinite(value) else None


def mean_over_folds(folds: dict[str, Any]) -> MeanOverRuns:
    """From what a run's summary keeps of its cross-validation."""
    is_share = "accuracy" in folds
    figure = folds["accuracy" if is_share else "mean_absolute_error"]
    return MeanOverRuns.of_folds(tuple(figure["values"]), folds["folds"], is_share=is_share)
