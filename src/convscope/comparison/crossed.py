"""Two recipes: would the better one's settings be better again, with other seeds and on other images?

Each recipe was trained with several seeds, and every one of its classifiers judged the same images. Both were
drawn, seeds and images, and both count: seeds are crossed with images, and nested in recipes. This is the
multi-reader, multi-case design of radiology with seeds for readers (N. A. Obuchowski and H. E. Rockette,
Communications in Statistics 24, 1995; S. L. Hillis, "A comparison of denominator degrees of freedom methods
for multiple observer ROC analysis", Statistics in Medicine 26, 2007).

All functions take arrays with any leading axes, one entry for each comparison.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from convscope.evaluation.proportion import CONFIDENCE

Array = NDArray[np.float64]

FEWEST_SEEDS = 2
FEW_SEEDS = 3
"""Below so many their spread is so badly known that Satterthwaite's degrees of freedom are too many."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crossed:
    """The difference of two recipes, second minus first, and what makes it uncertain.

    Attributes:
        value: the mean over seeds and images.
        seeds: how many of each recipe.
        images: how many.
        grain: of each recipe, half of what a figure moves by when one image is answered otherwise.
        between_seeds: of each recipe, the variance of its seeds' figures.
        residual: of each recipe, the variance that belongs to one seed on one image.
        between_images: the variance over images of the difference between the recipes' means.
    """

    value: Array
    seeds: tuple[int, int]
    images: int
    grain: tuple[Array, Array]
    between_seeds: tuple[Array, Array]
    residual: tuple[Array, Array]
    between_images: Array

    @property
    def of_seeds(self) -> Array:
        """What the choice of seeds adds to the variance of `value`; their residual is in it."""
        return self._over_seeds(*self._between_seeds)

    @property
    def of_residual(self) -> Array:
        """What luck of one seed with one image adds: part of `of_seeds`, and of the images' share, too."""
        return self._over_seeds(*self.residual) / self.images

    @property
    def of_images(self) -> Array:
        """What the choice of images adds: that the recipes do not find the same images hard."""
        return np.maximum(0.0, self.between_images / self.images - self.of_residual)

    @property
    def variance(self) -> Array:
        """Of `value`."""
        return self.of_seeds + self.of_images

    @property
    def degrees_of_freedom(self) -> Array:
        """Satterthwaite's, over the two recipes' seeds and the images; infinite where nothing varies."""
        spread = sum(
            (part**2 / degrees for part, degrees in self._parts), self.of_images**2 / (self.images - 1)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 0, self.variance**2 / spread, np.inf)

    @property
    def p_value(self) -> Array:
        """Two-sided, of no difference: what an interval that just reaches nought leaves open."""
        if min(self.seeds) < FEW_SEEDS:
            return np.where(self.value == 0, 1.0, self._few_seeds_p_value())
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs(self.value) / np.sqrt(self.variance)
        p_value = 2 * special.stdtr(self.degrees_of_freedom, -statistic)
        return np.where(self.value == 0, 1.0, p_value)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[Array, Array]:
        """Of the difference, for seeds and images to come."""
        if min(self.seeds) < FEW_SEEDS:
            half = self._few_seeds_half(confidence)
        else:
            half = special.stdtrit(self.degrees_of_freedom, 0.5 + confidence / 2) * np.sqrt(self.variance)
        return self.value - half, self.value + half

    def _few_seeds_half(self, confidence: float | Array) -> Array:
        """Satterthwaite's degrees of freedom are too many; and what the images leave open is the least."""
        at_best = special.ndtri(0.5 + confidence / 2) * np.sqrt(self.of_residual + self.of_images)
        half: Array = np.maximum(self.cautious_half(confidence), at_best)
        return half

    def _few_seeds_p_value(self) -> Array:
        """Found by halving, on the scale of its logarithm, to 1 part in 10⁹; nothing is below 10⁻¹⁵."""
        low, high = np.full(np.shape(self.value), -15.0), np.zeros(np.shape(self.value))
        for _ in range(36):
            middle = (low + high) / 2
            is_inside = self._few_seeds_half(1 - 10**middle) >= np.abs(self.value)
            low, high = np.where(is_inside, middle, low), np.where(is_inside, high, middle)
        return np.asarray(10**high, dtype=np.float64)

    def cautious_half(self, confidence: float | Array) -> Array:
        """Half the width of an interval in which seeds and images each keep a quantile of their own.

        Satterthwaite's degrees of freedom are a little too many where few seeds meet a very small level.
        Student's quantile for the seeds' share and the normal one for the images', added as squares, are
        safe.
        """
        students = special.stdtrit(self._seed_degrees, 0.5 + confidence / 2)
        normal = special.ndtri(0.5 + confidence / 2)
        return np.asarray(np.sqrt(students**2 * self.of_seeds + normal**2 * self.of_images), dtype=np.float64)

    @property
    def _seed_degrees(self) -> Array:
        """Welch's, of the seeds' share alone."""
        first, second = (part**2 / degrees for part, degrees in self._parts)
        with np.errstate(divide="ignore", invalid="ignore"):
            degrees = np.where(first + second > 0, self.of_seeds**2 / (first + second), np.inf)
        return np.asarray(degrees, dtype=np.float64)

    @property
    def _parts(self) -> list[tuple[Array, int]]:
        """Of each recipe, what its seeds add to the variance, and their degrees of freedom."""
        return [
            (each / count, count - 1) for each, count in zip(self._between_seeds, self.seeds, strict=True)
        ]

    @property
    def _between_seeds(self) -> tuple[Array, Array]:
        """The seeds' variances, and no less than the grain's: alike seeds do not show that there is none."""
        first, second = (np.maximum(a, b**2) for a, b in zip(self.between_seeds, self.grain, strict=True))
        return first, second

    def _over_seeds(self, first: Array, second: Array) -> Array:
        return first / self.seeds[0] + second / self.seeds[1]


def cross(first: NDArray[Any], second: NDArray[Any], *, is_share: bool = True) -> Crossed:
    """Compare two recipes by one value for each seed and image, such as 1 for right and 0 for wrong.

    Args:
        first: `(..., K, n)`: of K seeds, at least two, on n images, at least two.
        second: `(..., L, n)`: of the other recipe, on the same images in the same order.
        is_share: whether the values say what is right, and not something in a unit of its own.
    """
    parts = [_variances(np.asarray(each), is_share) for each in (first, second)]
    difference = parts[1].per_image - parts[0].per_image
    return Crossed(
        value=difference.mean(axis=-1),
        seeds=(first.shape[-2], second.shape[-2]),
        images=first.shape[-1],
        grain=(parts[0].grain, parts[1].grain),
        between_seeds=(parts[0].between_seeds, parts[1].between_seeds),
        residual=(parts[0].residual, parts[1].residual),
        between_images=difference.var(axis=-1, ddof=1),
    )


@dataclass(frozen=True, eq=False)
class _Variances:
    per_image: Array
    between_seeds: Array
    residual: Array
    grain: Array


def _variances(values: NDArray[Any], is_share: bool) -> _Variances:
    """The two-way analysis of variance of one recipe, by sums of squares."""
    seeds, images = values.shape[-2:]
    per_image = values.mean(axis=-2, dtype=np.float64)
    per_seed = values.mean(axis=-1, dtype=np.float64)
    mean = per_seed.mean(axis=-1)
    squares = np.square(values, dtype=np.float64) if values.dtype.kind == "f" else values
    total = squares.sum(axis=(-2, -1), dtype=np.float64) - seeds * images * mean**2
    of_images = seeds * (per_image**2).sum(axis=-1) - seeds * images * mean**2
    between_seeds = per_seed.var(axis=-1, ddof=1)
    left = total - of_images - images * (seeds - 1) * between_seeds
    residual = np.maximum(0.0, left) / ((images - 1) * (seeds - 1))
    # One right more or less; of values in a unit, their deviation, so that no verdict depends on the unit.
    one = np.ones_like(mean) if is_share else np.sqrt(np.maximum(0.0, total) / (seeds * images))
    return _Variances(per_image, between_seeds, residual, 0.5 * one / images)
