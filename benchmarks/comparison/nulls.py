"""Is a comparison honest? Recipes that are equally good, compared 10,000 times for each of several sizes.

    python benchmarks/comparison/nulls.py > benchmarks/results/comparison-nulls.md

Images have a difficulty that both recipes share and one that each has for itself; a training of a recipe
gets an image wrong with a probability that is also the seed's. Both recipes have the same expected
accuracy, so that each difference found is a false alarm; for power and coverage the second makes a share of
the errors less. Folds are no model but a learner: nearest class means on Gaussian features, one recipe
seeing half of them and the other the other half. One thread, a few minutes of CPU.
"""

import argparse
import datetime
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
from numpy.typing import NDArray
from scipy import special

from convscope.comparison.crossed import cross
from convscope.comparison.paired import mid_p_mcnemar, paired_interval

COMPARISONS = 10_000
AT_ONCE = 20_000_000
"""Answers in memory at a time."""

SIZES = (30, 100, 300, 1_000, 10_000)
SEEDS = (2, 3, 5, 10)
LESS = 0.3
"""Share of the errors that the better recipe does not make, where power is measured."""

FINE = 65_536
"""Steps between 0 and 1 in which probabilities are drawn."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Where comparisons take place.

    Attributes:
        easy: mean of the images' ease, in standard deviations of chance.
        shared: standard deviation of the ease that an image has for both recipes.
        own: of the ease that it has for one of them.
        seed: standard deviation of a training's errors, as a share of their mean.
    """

    easy: float = 2.2
    shared: float = 1.2
    own: float = 0.0
    seed: float = 0.0

    def error(self, less: float = 0.0) -> float:
        """The expected share of errors of a recipe, over a grid of images and seeds."""
        ease = self.easy + np.hypot(self.shared, self.own) * special.ndtri((np.arange(4_000) + 0.5) / 4_000)
        factor = 1 + self.seed * np.linspace(-(3**0.5), 3**0.5, 401)
        wrong = (1.0 - less) * special.ndtr(-ease)[:, None] * factor
        return float(np.minimum(1.0, wrong).mean())

    def draw(
        self, random: np.random.Generator, count: int, seeds: int, images: int, less: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What each training of both recipes gets right: two arrays `(count, seeds, images)`."""
        shared = random.standard_normal((count, 1, images), dtype=np.float32) * np.float32(self.shared)
        right = []
        for kept in (1.0, 1.0 - less):
            ease = shared
            if self.own:
                own = random.standard_normal(shared.shape, dtype=np.float32)
                ease = shared + own * np.float32(self.own)
            wrong = np.float32(kept * FINE) * special.ndtr(-np.float32(self.easy) - ease)
            if self.seed:
                factor = 1 + self.seed * random.uniform(-(3**0.5), 3**0.5, size=(count, seeds, 1))
                wrong = wrong * factor.astype(np.float32)
            drawn = np.frombuffer(random.bytes(2 * count * seeds * images), dtype=np.uint16)
            limits = np.minimum(wrong, FINE - 1).astype(np.uint16)
            right.append(drawn.reshape(count, seeds, images) >= limits)
        return right[0], right[1]


WORLDS = {
    "one recipe": World(),
    "one recipe, seed noise": World(seed=0.25),
    "two recipes": World(own=1.0),
    "two recipes, seed noise": World(own=1.0, seed=0.25),
}


def batches(per_comparison: int) -> Iterator[int]:
    """How many comparisons at a time."""
    left = COMPARISONS
    while left:
        count = min(left, max(1, AT_ONCE // per_comparison))
        yield count
        left -= count


def of_recipes(world: World, images: int, less: float) -> dict[int, dict[str, float]]:
    """Rejections of each test and coverage of the interval, in per cent, by the number of seeds.

    The seeds of a smaller number are the first of a larger one.
    """
    places = [images, round(100 * less), round(100 * world.own), round(100 * world.seed)]
    random, truth = np.random.default_rng(places), world.error() - world.error(less)
    names = ("crossed", "covered", "welch", "one pair")
    found = {seeds: dict.fromkeys(names, 0.0) for seeds in SEEDS}
    for count in batches(2 * max(SEEDS) * images):
        first, second = world.draw(random, count, max(SEEDS), images, less)
        means = [np.count_nonzero(each, axis=-1) / images for each in (first, second)]
        one_pair = float((mcnemar(first[:, 0], second[:, 0]) < 0.05).sum())
        for seeds, sums in found.items():
            crossed = cross(first[:, :seeds], second[:, :seeds])
            low, high = crossed.interval()
            sums["crossed"] += float((crossed.p_value < 0.05).sum())
            sums["covered"] += float(((low <= truth) & (truth <= high)).sum())
            sums["welch"] += float((welch(means[0][:, :seeds], means[1][:, :seeds]) < 0.05).sum())
            sums["one pair"] += one_pair
    return {
        seeds: {name: 100 * value / COMPARISONS for name, value in sums.items()}
        for seeds, sums in found.items()
    }


def of_classifiers(world: World, images: int, less: float) -> dict[str, float]:
    """The same of two trainings as they are: the images alone are drawn."""
    random = np.random.default_rng([1, images, round(100 * less), round(100 * world.own)])
    truth = world.error() - world.error(less)
    found = dict.fromkeys(("mid-p", "covered", "exact", "differing"), 0.0)
    for count in batches(2 * images):
        first, second = (each[:, 0] for each in world.draw(random, count, 1, images, less))
        only_first, only_second = (first & ~second).sum(-1), (second & ~first).sum(-1)
        low, high = paired_interval(only_first, only_second, images)
        found["mid-p"] += float((mid_p_mcnemar(only_first, only_second) < 0.05).sum())
        found["covered"] += float(((low <= truth) & (truth <= high)).sum())
        found["exact"] += float((exact_mcnemar(only_first, only_second) < 0.05).sum())
        found["differing"] += float((only_first + only_second).sum()) / 100
    return {name: 100 * value / COMPARISONS for name, value in found.items()}


def of_folds(images: int, folds: int) -> dict[str, float]:
    """Cross-validated nearest class means; each fold's training images are all the others."""
    random = np.random.default_rng([images, folds])
    features, apart = 8, 0.45
    found = dict.fromkeys(("corrected", "covered", "student", "pooled"), 0.0)
    for count in batches(images * features * 4):
        labels = np.arange(images) % 2 * 2.0 - 1
        place = np.arange(images) // 2 % folds  # both classes in each fold
        drawn = random.normal(size=(count, images, 2, features)) + apart * labels[:, None, None]
        signed = drawn * labels[:, None, None]
        parts = np.stack([signed[:, place == fold].sum(1) for fold in range(folds)], axis=1)
        direction = parts.sum(1, keepdims=True) - parts  # of the images outside each fold
        right = np.einsum("cirf,cirf->cir", signed, direction[:, place]) > 0
        per_fold = np.stack([right[:, place == fold].mean(1) for fold in range(folds)], axis=1)
        difference = per_fold[..., 1] - per_fold[..., 0]
        mean, deviation = difference.mean(1), difference.std(1, ddof=1)
        quantile = special.stdtrit(folds - 1, 0.975)
        corrected = quantile * deviation * np.sqrt(1 / folds + 1 / (folds - 1))
        found["corrected"] += float((np.abs(mean) > corrected).sum())
        found["covered"] += float((np.abs(mean) <= corrected).sum())
        found["student"] += float((np.abs(mean) > quantile * deviation / np.sqrt(folds)).sum())
        found["pooled"] += float((mcnemar(right[..., 0], right[..., 1]) < 0.05).sum())
    return {name: 100 * value / COMPARISONS for name, value in found.items()}


def of_losses(images: int) -> dict[str, float]:
    """Log loss of two trainings by Student's paired test: losses of a heavy tail, as networks have them."""
    random = np.random.default_rng([7, images])
    found = 0.0
    for count in batches(2 * images):
        ease = random.normal(size=(count, images), loc=2.2, scale=1.2)
        losses = [np.logaddexp(0, -3 * (ease + random.normal(size=ease.shape, scale=0.7))) for _ in range(2)]
        apart = losses[1] - losses[0]
        error = apart.std(1, ddof=1) / np.sqrt(images)
        found += float((np.abs(apart.mean(1)) > special.stdtrit(images - 1, 0.975) * error).sum())
    return {"student": 100 * found / COMPARISONS}


def welch(first: Array, second: Array) -> Array:
    """Over seeds alone, as if the images were all there are."""
    count = first.shape[1]
    parts = [each.var(1, ddof=1) / count for each in (first, second)]
    variance = parts[0] + parts[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = variance**2 / ((parts[0] ** 2 + parts[1] ** 2) / (count - 1))
        statistic = np.abs(first.mean(1) - second.mean(1)) / np.sqrt(variance)
        p_value = 2 * special.stdtr(degrees, -statistic)
    return np.where(first.mean(1) == second.mean(1), 1.0, np.where(variance == 0, 0.0, p_value))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Array:
    return mid_p_mcnemar((first & ~second).sum(-1), (second & ~first).sum(-1))


def exact_mcnemar(only_first: NDArray[np.int64], only_second: NDArray[np.int64]) -> Array:
    differing = only_first + only_second
    p_value = 2 * special.bdtr(np.minimum(only_first, only_second).astype(float), differing, 0.5)
    return np.minimum(1.0, p_value)


def row(*cells: object) -> None:
    said = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(said) + " |", flush=True)


def head(*names: str) -> None:
    print()
    row(*names)
    row(*["---", *["---:"] * (len(names) - 1)])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=max(SIZES), help="leave out more images than these")
    largest = parser.parse_args().largest
    began = time.process_time()
    sizes = [size for size in SIZES if size <= largest]
    print("# Simulated comparisons of equals\n")
    print(
        f"{datetime.date.today()}. `benchmarks/comparison/nulls.py`: {COMPARISONS:,} comparisons in each row."
    )
    print("False alarms in per cent, at a level of 5 %; their own error is ± 0.4. Coverage is that of 95 %")
    print(f"intervals where one recipe makes {LESS:.0%} of the errors less; power, how often that is seen.")
    print("\n## Two classifiers\n\nMid-p McNemar and Tango's interval; beside them the exact test.")
    head("world", "images", "differ on", "false alarms", "exact", "coverage", "power", "power, exact")
    for name, world in (("one recipe", WORLDS["one recipe"]), ("two recipes", WORLDS["two recipes"])):
        for images in sizes:
            null, other = of_classifiers(world, images, 0.0), of_classifiers(world, images, LESS)
            cells = (null["mid-p"], null["exact"], other["covered"], other["mid-p"], other["exact"])
            row(name, f"{images:,}", null["differing"], *cells)
    print("\n## Two recipes: folds\n\nNadeau and Bengio's corrected test; Student's over the folds, as")
    print("if they were independent, and McNemar's on all held-out answers.")
    head("images", "folds", "false alarms", "Student", "McNemar", "coverage")
    for images in (100, 300, 1_000):
        for folds in (5, 10):
            found = of_folds(images, folds)
            cells = (found["corrected"], found["student"], found["pooled"], found["covered"])
            row(f"{images:,}", folds, *cells)
    print("\n## Log loss of two classifiers\n\nStudent's paired test over the images.")
    head("images", "false alarms")
    for images in sizes:
        row(f"{images:,}", of_losses(images)["student"])
    print("\n## Two recipes: seeds crossed with images\n")
    print("Beside it Welch's test over seeds alone, and McNemar's on one training of each.")
    head("world", "images", "seeds", "false alarms", "Welch", "one pair", "coverage", "power")
    for images in sizes:
        for name, world in WORLDS.items():
            nulls = of_recipes(world, images, 0.0)
            others = of_recipes(world, images, LESS) if images <= 1_000 else None
            for seeds, null in nulls.items():
                other = null if others is None else others[seeds]
                power = "–" if others is None else other["crossed"]
                cells = (null["crossed"], null["welch"], null["one pair"], other["covered"], power)
                row(name, f"{images:,}", seeds, *cells)
    print(f"\n{time.process_time() - began:.0f} s of one CPU.")


if __name__ == "__main__":
    main()
