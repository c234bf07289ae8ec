"""What it takes to see a difference: how many seeds, and how many test images."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy import special

from convscope.comparison.crossed import Crossed
from convscope.evaluation.proportion import CONFIDENCE

POWER = 0.8
"""The probability with which a difference is to be seen: what others plan with."""

MOST_SEEDS = 200
MOST_IMAGES = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What makes the difference of two recipes uncertain, for one seed of each on one image.

    Attributes:
        of_images: variance over images of the recipes' difference, whatever the seeds.
        of_seeds: variance of one seed's figure on endless images, both recipes together.
        of_luck: variance of one seed on one image, both recipes together.
    """

    of_images: float
    of_seeds: float
    of_luck: float

    @staticmethod
    def of(crossed: Crossed, images: int) -> "Spread":
        """As two groups of seeds show it, crossed with `images` images or with what these belong to."""
        luck = sum(float(each) for each in crossed.residual) / crossed.images
        seeds = sum(float(each) for each in crossed.between_seeds)
        return Spread(
            of_images=float(crossed.of_images) * images,
            of_seeds=max(0.0, seeds - luck),
            of_luck=luck * images,
        )

    @staticmethod
    def of_one_pair(differing: float) -> "Spread":
        """The least that one training of each leaves possible: where they differ, it was the seeds' luck.

        Args:
            differing: share of the images that only one of the two gets right.
        """
        return Spread(of_images=0.0, of_seeds=0.0, of_luck=differing)

    @staticmethod
    def of_assumed(accuracy: float) -> "Spread":
        """Before anything was trained, of two recipes of this accuracy.

        Two seeds of one recipe are taken to differ on as many images as one of them gets wrong, and two
        recipes on half as many more. Networks trained alike differ by less, unlike ones by more.
        """
        wrong = 1 - accuracy
        return Spread(of_images=wrong / 2, of_seeds=0.0, of_luck=wrong)

    def variance(self, seeds: int, images: int) -> float:
        """Of the difference of the means over so many seeds of each and so many images."""
        return self.of_images / images + self.of_seeds / seeds + self.of_luck / (seeds * images)

    def detectable(self, seeds: int, images: int) -> float:
        """The difference that is seen with a probability of 80 %; infinite with one seed each."""
        if seeds < 2:
            return math.inf
        over_seeds = self.variance(seeds, images) - self.of_images / images
        total = self.variance(seeds, images)
        degrees = total**2 / (over_seeds**2 / (2 * (seeds - 1))) if over_seeds > 0 else math.inf
        # Shifted, Student's quantile and not the normal one: exact enough from two seeds on.
        quantile = float(special.stdtrit(min(degrees, 1e9), 0.5 + CONFIDENCE / 2))
        reach = float(special.stdtrit(min(degrees, 1e9), POWER))
        return (quantile + reach) * math.sqrt(total)

    def seeds_for(self, difference: float, images: int) -> int | None:
        """How many seeds of each see the difference on so many images; None where none are enough."""
        return _least(lambda seeds: self.detectable(seeds, images) <= difference, 2, MOST_SEEDS)

    def images_for(self, difference: float, seeds: int) -> int | None:
        """How many images, with so many seeds of each; None where none are enough."""
        return _least(lambda images: self.detectable(seeds, images) <= difference, 2, MOST_IMAGES)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a comparison needs to see a difference with a probability of 80 %.

    Attributes:
        difference: to be seen, a share of 1.
        images: that there are now; None where that is not said.
        seeds: of each that there are now.
        images_between_two: how many images tell two single classifiers apart.
        seeds_needed: how many seeds of each, on the images that there are; None where none are enough.
        images_needed: how many images, with the seeds that there are (five, if it is one); None likewise.
        spread: what makes the difference uncertain.
        differing: share of the images that only one of two trainings gets right.
        rests_on: where the spread is taken from, in words.
        is_least: whether less cannot be enough, and more may be needed.
    """

    difference: float
    images: int | None
    seeds: int
    images_between_two: int
    seeds_needed: int | None
    images_needed: int | None
    spread: Spread
    differing: float
    rests_on: str
    is_least: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "spread": dict(vars(self.spread))}


def images_between_two(difference: float, differing: float) -> int:
    """Images that tell two classifiers apart with McNemar's test at 5 %, four times of five.

    R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43, 1987.

    Args:
        difference: of their shares right.
        differing: share of the images that only one of the two gets right.
    """
    share = max(differing, difference)
    wide = float(special.ndtri(0.5 + CONFIDENCE / 2)) * math.sqrt(share)
    reach = float(special.ndtri(POWER)) * math.sqrt(max(0.0, share - difference**2))
    return math.ceil(((wide + reach) / difference) ** 2)


def plan(
    spread: Spread,
    difference: float,
    *,
    differing: float,
    images: int | None,
    seeds: int,
    rests_on: str,
    is_least: bool = False,
) -> Plan:
    """What is needed to see `difference`, a share of 1."""
    return Plan(
        difference=difference,
        images=images,
        seeds=seeds,
        images_between_two=images_between_two(difference, differing),
        seeds_needed=None if images is None else spread.seeds_for(difference, images),
        images_needed=spread.images_for(difference, seeds if seeds > 1 else 5),
        spread=spread,
        differing=differing,
        rests_on=rests_on,
        is_least=is_least,
    )


def plan_before(accuracy: float, images: int, difference: float) -> Plan:
    """What is needed where nothing was trained yet.

    Args:
        accuracy: that is expected, a share of 1.
        images: for the test.
        difference: to be seen, a share of 1.
    """
    spread = Spread.of_assumed(accuracy)
    return plan(
        spread,
        difference,
        differing=spread.of_images + spread.of_luck,
        images=images,
        seeds=1,
        rests_on="two seeds of a recipe that differ on as many images as one gets wrong, and two recipes on "
        "half as many more",
    )


def plan_on(known: Plan, images: int) -> Plan:
    """The same plan for another number of test images."""
    return plan(
        known.spread,
        known.difference,
        differing=known.differing,
        images=images,
        seeds=known.seeds,
        rests_on=known.rests_on,
        is_least=known.is_least,
    )


def _least(is_enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The least number that is enough, by halving: more is never less."""
    if not is_enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low
