"""Does "90 % sure" mean right nine times in ten? The reliability table."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, softmax, xlog1py, xlogy

from convscope.evaluation.proportion import CONFIDENCE, Interval, Proportion, finite_or_none

NUM_BINS = 15
_SIMULATIONS = 2_000


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of about the same confidence: how sure the classifier was, and how often it was right."""

    lowest: float
    highest: float
    confidence: float
    """The mean probability of the predicted class."""
    accuracy: Proportion

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return {
            "lowest": self.lowest,
            "highest": self.highest,
            "confidence": self.confidence,
            "accuracy": self.accuracy.to_dict(),
        }


@dataclass(frozen=True)
class Calibration:
    """How far a classifier's confidence is from its accuracy, in bins of equal count."""

    bins: tuple[ReliabilityBin, ...]

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1: |accuracy - confidence| of a bin, averaged over the images."""
        return self._mean([abs(each.accuracy.value - each.confidence) for each in self.bins])

    @property
    def error_by_chance(self) -> float:
        """The expected calibration error a perfectly calibrated classifier would show on as many images.

        The error cannot be negative, so small bins make one out of nothing: with 62 images even perfection
        shows several points. It is the mean absolute deviation of a binomial (de Moivre, 1730), for each bin.
        """
        return self._mean([_mean_deviation(each.accuracy.n, each.confidence) for each in self.bins])

    @cached_property
    def error_limit(self) -> float:
        """What the error of 95 in 100 perfectly calibrated classifiers stays below, on as many images.

        An error above it is more than chance; one below it is a proof of calibration only where the limit
        itself is small. Simulated: each bin right as often as its confidence says, 2,000 times.
        """
        if not self.bins:
            return math.nan
        counts = np.array([each.accuracy.n for each in self.bins])
        confidence = np.array([min(1.0, each.confidence) for each in self.bins])
        right = np.random.default_rng(0).binomial(counts, confidence, size=(_SIMULATIONS, len(counts)))
        errors = np.abs(right / counts - confidence) @ (counts / counts.sum())
        return float(np.quantile(errors, CONFIDENCE))

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus accuracy: above 0 the classifier is surer than it is right."""
        return self._mean([each.confidence - each.accuracy.value for each in self.bins])

    @property
    def overconfidence_interval(self) -> Interval:
        """Its 95 % interval, from that of the accuracy."""
        if not self.bins:
            return (math.nan, math.nan)
        low, high = Proportion(
            sum(each.accuracy.correct for each in self.bins), sum(each.accuracy.n for each in self.bins)
        ).interval
        confidence = self._mean([each.confidence for each in self.bins])
        return confidence - high, confidence - low

    def _mean(self, values: list[float]) -> float:
        if not self.bins:
            return math.nan
        return float(np.average(values, weights=[each.accuracy.n for each in self.bins]))

    def __str__(self) -> str:
        if not self.bins:
            return "calibration error – (no images)"
        low, high = self.overconfidence_interval
        return (
            f"calibration error {100 * self.error:.1f} % "
            f"(by chance {100 * self.error_by_chance:.1f} %, seldom above {100 * self.error_limit:.1f} %), "
            f"confidence minus accuracy {100 * self.overconfidence:+.1f} points, "
            f"95 % interval {100 * low:+.1f} to {100 * high:+.1f}".replace("-", "−")
        )

    def to_dict(self) -> dict[str, Any]:
        """What `--json` holds; None where there was no image."""
        return {
            "error": finite_or_none(self.error),
            "error_by_chance": finite_or_none(self.error_by_chance),
            "error_limit": finite_or_none(self.error_limit),
            "overconfidence": finite_or_none(self.overconfidence),
            "overconfidence_interval": [finite_or_none(end) for end in self.overconfidence_interval],
            "bins": [each.to_dict() for each in self.bins],
        }


def calibrate(
    logits: NDArray[np.float32], labels: NDArray[np.int64], num_bins: int = NUM_BINS
) -> Calibration:
    """The reliability table of logits (N, K) against labels (N,).

    Expected calibration error is Naeini et al.'s (2015), as Guo et al. use it for networks ("On calibration
    of modern neural networks", 2017); bins hold equally many images, as in Nguyen & O'Connor (2015), since
    most confidences lie near 1. Equal confidences share a bin, so the order of the images does not matter.
    """
    if len(labels) == 0:
        return Calibration(())
    confidence = softmax(logits.astype(np.float64), axis=1).max(axis=1)
    right = logits.argmax(axis=1) == labels
    ordered = np.sort(confidence)
    starts = np.arange(num_bins) * len(ordered) // num_bins
    edges = np.unique(ordered[starts])
    places = np.searchsorted(edges, confidence, side="right") - 1
    members = [np.flatnonzero(places == place) for place in range(len(edges))]
    return Calibration(tuple(_bin(confidence[each], right[each]) for each in members))


def _bin(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> ReliabilityBin:
    return ReliabilityBin(
        lowest=float(confidence.min()),
        highest=float(confidence.max()),
        confidence=float(confidence.mean()),
        accuracy=Proportion(int(right.sum()), len(right)),
    )


def _mean_deviation(count: int, probability: float) -> float:
    """E|X/n - p| for X binomial."""
    above = math.floor(count * probability) + 1
    if above > count:
        return 0.0
    below = count - above
    log_ways = gammaln(count + 1) - gammaln(above + 1) - gammaln(below + 1)
    mass = math.exp(log_ways + xlogy(above, probability) + xlog1py(below, -probability))
    return 2 * above * (1 - probability) * mass / count
