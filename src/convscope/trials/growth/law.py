"""A power law through a learning curve, and what it says of more images, with its interval.

Errors fall with the number n of training images as a + b n^-c: Cortes, Jackel, Solla, Vapnik and Denker,
"Learning curves: asymptotic values and rate of convergence" (1993); Hestness et al., "Deep learning scaling
is predictable, empirically" (2017). Of the few points that a folder of photos gives, many such laws are
left: all of them are weighed by how well they fit, and the interval holds nine tenths of the weight. Mahmood
et al., "How much more data do I need?" (2022), show how far a single law through few points leads astray.
"""

from dataclasses import dataclass

import numpy as np

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError
from convscope.trials.growth.curve import Curve, Floats
from convscope.wording import percent, rounded

LEVEL = 0.9
"""Of the weight of all laws lies in the interval."""
_POINTS = 3
"""A law has three parameters; fewer points say nothing of any."""
_LEARNED = 0.75
"""Of the error by chance: where more is left, what was learned is not on its way down yet."""
_MISFIT = 0.15
"""Of the error itself, and an image: by how much a curve leaves its law, and one drawing of a subset differs
from another. Chosen, with the weights below, on eight folders. Whether intervals hold:
benchmarks/diagnosis/forecasts.py."""
_WIDEST = 0.6
"""An interval wider than this part of the error that is left to gain says nothing."""
_EXPONENTS = np.linspace(0.02, 1.0, 41)
_FLOORS = np.linspace(0.0, 1.0, 41)
_FLOOR_RARER = 3
_LEVELS = np.geomspace(0.3, 3.0, 61)
"""Before anything is measured, exponents are all alike, and low floors are likelier than high ones: a folder
of photos is nearly always far from the end of its curve."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What so many times the images would bring.

    Attributes:
        factor: times the training images that are there.
        images: that are there.
        error: now, by the law.
        gain: of accuracy, as a share: the middle of all laws' gains.
        interval: of the gain, 90 %.
        accuracy: then, the middle.
        accuracy_interval: 90 %; it knows that the images held out are a sample, too.
        by: how the curve was measured;
        held_out: on so many images.
    """

    factor: float
    images: int
    error: float
    gain: float
    interval: tuple[float, float]
    accuracy: float
    accuracy_interval: tuple[float, float]
    by: str
    held_out: int

    @property
    def says(self) -> bool:
        """Whether the interval is narrow enough to act on."""
        low, high = self.interval
        return high - low <= _WIDEST * max(self.error, 1e-9)

    @property
    def sentence(self) -> str:
        """`twice the images: +2.1 points (0.9 to 3.2)`, or that it cannot say."""
        low, high = (f"{100 * end:.1f}" for end in self.interval)
        if not self.says:
            return f"{_times(self.factor)} the images: cannot say, between {low} and {high} points"
        return f"{_times(self.factor)} the images: +{100 * self.gain:.1f} points ({low} to {high})"

    @property
    def finding(self) -> Finding:
        """The same, as a diagnosis says it."""
        low, high = self.accuracy_interval
        return Finding(
            name="more-images",
            kind="growth",
            severity="note",
            sentence=self.sentence,
            evidence=f"a power law through {self.by}, up to {self.images:,}, judged on {self.held_out:,} "
            f"held out: {percent(1 - self.error, 1)} now, {percent(self.accuracy, 1)} then "
            f"({100 * low:.1f}–{100 * high:.1f}; 90 % intervals)",
            advice="" if self.says else "Ask again when there are more images",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """All power laws that may lie behind a curve, each with its weight.

    Attributes:
        images: n, the most that were learned from.
        error: (L,), of each law at n images;
        floor: (L,), the part of that error which no number of images takes away;
        exponent: (L,), by which the rest falls: error · (floor + (1 - floor) · (m / n) ** -exponent).
        weight: (L,), which sum to 1.
        by: how the curve was measured;
        held_out: on so many images.
    """

    images: int
    error: Floats
    floor: Floats
    exponent: Floats
    weight: Floats
    by: str
    held_out: int

    def forecast(self, factor: float = 2.0) -> Forecast:
        """What `factor` times the images would bring.

        Raises:
            ValueError: a factor that is not above 1.
        """
        if not factor > 1:
            raise ValueError(f"a forecast is of more images, not of {factor} times as many")
        then = self.error * (self.floor + (1 - self.floor) * factor**-self.exponent)
        low, middle, high = self._quantiles(self.error - then)
        worst, likely, best = self._quantiles(1 - then)
        return Forecast(
            factor=factor,
            images=self.images,
            error=float(self.error @ self.weight),
            gain=middle,
            interval=(low, high),
            accuracy=likely,
            accuracy_interval=(worst, best),
            by=self.by,
            held_out=self.held_out,
        )

    def _quantiles(self, values: Floats) -> tuple[float, float, float]:
        order = np.argsort(values)
        below = np.cumsum(self.weight[order]) - self.weight[order] / 2
        low, middle, high = np.interp([(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], below, values[order])
        return float(low), float(middle), float(high)


def fit_law(curve: Curve) -> Law:
    """All laws through a curve.

    Raises:
        AbsentError: there is none, and why.
    """
    if len(curve.sizes) < _POINTS:
        raise AbsentError("too few images for a learning curve")
    unlearned = np.flatnonzero(curve.errors > _LEARNED * curve.by_chance)
    kept = np.arange(unlearned[-1] + 1 if len(unlearned) else 0, len(curve.sizes))
    if len(kept) < _POINTS:
        raise AbsentError(f"too little is learned: {percent(float(curve.errors[-1]))} of all are wrong")
    sizes, errors = curve.sizes[kept] / curve.sizes[-1], curve.errors[kept]
    count = curve.wrong.shape[1]
    noise = curve.covariance[np.ix_(kept, kept)] + np.diag((_MISFIT * errors) ** 2 + count**-2.0)
    level, floor, exponent = (
        each.ravel() for each in np.meshgrid(_LEVELS, _FLOORS, _EXPONENTS, indexing="ij")
    )
    level = level * max(float(errors[-1]), 1 / count)
    expected = level * (floor + (1 - floor) * sizes[:, None] ** -exponent)  # (S, L)
    whitened = np.linalg.solve(np.linalg.cholesky(noise), expected - errors[:, None])
    likelihood = -0.5 * np.square(whitened).sum(axis=0)
    weight = np.exp(likelihood - likelihood.max()) * (1 - floor) ** _FLOOR_RARER
    return Law(
        images=int(curve.sizes[-1]),
        error=level,
        floor=floor,
        exponent=exponent,
        weight=weight / weight.sum(),
        by=curve.by,
        held_out=count,
    )


def _times(factor: float) -> str:
    return {2.0: "twice", 3.0: "three times", 4.0: "four times"}.get(factor, f"{rounded(factor, 2)} times")
