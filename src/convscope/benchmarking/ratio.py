"""How many times as fast, from rounds taken in turn, with a bootstrap interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy import stats

RESAMPLES = 10_000
FEWEST_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The time of one thing over that of another: above 1 the other is faster.

    Attributes:
        value: the geometric mean of the rounds' ratios.
        interval: 95 %; None with fewer than three rounds.
    """

    value: float
    interval: tuple[float, float] | None
    rounds: int

    @property
    def excludes_one(self) -> bool:
        """Whether one of the two is faster, and not by luck."""
        return self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "rounds": self.rounds,
        }


def ratio_of(slower: Sequence[float], faster: Sequence[float]) -> Ratio:
    """The ratio of two sequences of seconds, one value a round, that were taken in turn.

    The interval is a percentile bootstrap over the rounds, widened for their small number: the quantiles are
    those that make it as wide as Student's interval (Hesterberg, *What teachers should know about the
    bootstrap*, The American Statistician 69, 2015).
    """
    logarithms = np.log(np.asarray(slower, dtype=float)) - np.log(np.asarray(faster, dtype=float))
    count = len(logarithms)
    value = math.exp(fmean(logarithms))
    if count < FEWEST_ROUNDS:
        return Ratio(value=value, interval=None, rounds=count)
    drawn = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    means = logarithms[drawn].mean(axis=1)
    tail = float(stats.norm.cdf(math.sqrt(count / (count - 1)) * stats.t.ppf(0.025, count - 1)))
    low, high = np.exp(np.quantile(means, (tail, 1 - tail)))
    return Ratio(value=value, interval=(float(low), float(high)), rounds=count)
