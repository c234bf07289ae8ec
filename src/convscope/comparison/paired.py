"""These two classifiers, on the same images: the test and the interval of a paired difference of shares.

All functions take counts as numbers or as arrays of one shape, one entry for each comparison.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from convscope.evaluation.proportion import CONFIDENCE

Array = NDArray[np.float64]

_HALVINGS = 60
"""Of an interval of width 2: it ends below the digits of a float64."""


def mid_p_mcnemar(only_first: ArrayLike, only_second: ArrayLike) -> Array:
    """Two-sided mid-p value of McNemar's test; 1 where the two never differ.

    The exact test counts the observed table whole and is far too cautious where few images differ; half of it
    keeps the level (M. W. Fagerland, S. Lydersen and P. Laake, "The McNemar test for binary matched-pairs
    data: mid-p and asymptotic are better than exact conditional", BMC Medical Research Methodology 13, 2013).

    Args:
        only_first: images that only the first gets right.
        only_second: images that only the second does.
    """
    first, second = np.asarray(only_first, dtype=np.float64), np.asarray(only_second, dtype=np.float64)
    differing, fewer = first + second, np.minimum(first, second)
    log_choose = (
        special.gammaln(differing + 1) - special.gammaln(fewer + 1) - special.gammaln(differing - fewer + 1)
    )
    at_observed = np.exp(log_choose - differing * math.log(2))
    p_value: Array = 2 * special.bdtr(fewer, differing.astype(np.int64), 0.5) - at_observed
    return np.clip(p_value, 0.0, 1.0)


def paired_interval(
    only_first: ArrayLike, only_second: ArrayLike, n: ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Array, Array]:
    """Tango's score interval of `(only_second - only_first) / n`.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17, 1998. It is the interval that belongs to McNemar's test;
    it stays within -1 and 1, and has a width where the two never differ.

    Args:
        only_first: images that only the first gets right.
        only_second: images that only the second does.
        n: all images, those on which they agree included.
        confidence: 0.95 unless given.
    """
    first = np.asarray(only_first, dtype=np.float64)
    second = np.asarray(only_second, dtype=np.float64)
    count = np.asarray(n, dtype=np.float64)
    quantile = float(special.ndtri(0.5 + confidence / 2))
    value = (second - first) / count
    low = _where_score_is(quantile, first, second, count, -np.ones_like(value), value)
    high = _where_score_is(-quantile, first, second, count, value, np.ones_like(value))
    return low, high


def _where_score_is(
    wanted: float, first: Array, second: Array, count: Array, low: Array, high: Array
) -> Array:
    """By halving: the score falls as the assumed difference grows."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_above = _score(middle, first, second, count) > wanted
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _score(difference: Array, first: Array, second: Array, count: Array) -> Array:
    """Tango's statistic for an assumed difference, with the share of `first` at its constrained maximum."""
    linear = -first - second + (2 * count + first - second) * difference
    constant = -first * difference * (1 - difference)
    root = np.sqrt(np.maximum(0.0, linear**2 - 8 * count * constant))
    share = (root - linear) / (4 * count)
    spread = count * (2 * share + difference * (1 - difference))
    deviation = second - first - count * difference
    # Without spread the assumed difference is impossible, unless it is what was seen.
    with np.errstate(divide="ignore", invalid="ignore"):
        score = deviation / np.sqrt(np.maximum(0.0, spread))
    return np.where(np.abs(deviation) < 1e-12, 0.0, score)
