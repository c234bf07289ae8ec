"""Test images that belong together: does the interval hold the truth, and does the test keep its level?

    python benchmarks/comparison/series.py

Groups of some four images, each right with a chance that its group shares: beta-binomial, with the
correlation `alike` within a group. Two classifiers that are equally good find much the same groups hard, and
differ by luck from group to group.
"""

import numpy as np
from numpy.typing import NDArray

from convscope.comparison.estimate import of_means, of_shares
from convscope.evaluation.proportion import Proportion, interval_by_groups

TRIALS = 2_000
EACH = 4
LEVEL = 0.05


def main() -> None:
    generator = np.random.default_rng(0)
    print(
        "| right | alike | groups | interval by images holds the truth | by groups |\n|---|---|---|---|---|"
    )
    for share in (0.5, 0.8, 0.95):
        for alike in (0.0, 0.3, 0.8):
            for groups in (10, 30, 120):
                images, whole = coverage(generator, share, alike, groups)
                print(f"| {100 * share:.0f} % | {alike} | {groups} | {images:.1f} % | {whole:.1f} % |")
    print("\n| right | luck of a group | groups | McNemar's test by images errs | by groups |")
    print("|---|---|---|---|---|")
    for share in (0.8, 0.95):
        for luck in (0.0, 0.1, 0.25):
            for groups in (30, 120):
                images, whole = errors(generator, share, luck, groups)
                print(f"| {100 * share:.0f} % | ± {luck} | {groups} | {images:.1f} % | {whole:.1f} % |")


def coverage(generator: np.random.Generator, share: float, alike: float, groups: int) -> tuple[float, float]:
    """How often, in per cent, each interval holds the share that the images were drawn with."""
    by_images = by_groups = 0
    for _ in range(TRIALS):
        numbers = members(generator, groups)
        right = generator.random(len(numbers)) < chances(generator, share, alike, groups)[numbers]
        low, high = Proportion(int(right.sum()), len(right)).interval
        by_images += low <= share <= high
        low, high = interval_by_groups(right, numbers)
        by_groups += low <= share <= high
    return 100 * by_images / TRIALS, 100 * by_groups / TRIALS


def errors(generator: np.random.Generator, share: float, luck: float, groups: int) -> tuple[float, float]:
    """How often, in per cent, two classifiers that are equally good are said to differ."""
    by_images = by_groups = 0
    for _ in range(TRIALS):
        numbers = members(generator, groups)
        common = chances(generator, share, 0.3, groups)
        first, second = (
            generator.random(len(numbers))
            < np.clip(common + generator.normal(0, luck, groups), 0, 1)[numbers]
            for _ in range(2)
        )
        by_images += of_shares(first, second).p_value < LEVEL
        one, other = (summed(each, numbers, groups) for each in (first, second))
        by_groups += of_means(one, other, n=len(numbers)).p_value < LEVEL
    return 100 * by_images / TRIALS, 100 * by_groups / TRIALS


def summed(right: NDArray[np.bool_], numbers: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """Of each group, in units whose mean is that of the images; as `compare` counts them."""
    sums = np.bincount(numbers, weights=right, minlength=groups) * (groups / len(numbers))
    return sums.astype(np.float64)


def members(generator: np.random.Generator, groups: int) -> NDArray[np.int64]:
    """Of each image the number of its group; some four in each, one at the least."""
    return np.repeat(np.arange(groups), 1 + generator.poisson(EACH - 1, groups))


def chances(generator: np.random.Generator, share: float, alike: float, groups: int) -> NDArray[np.float64]:
    """Of each group, that one of its images is right."""
    if alike == 0:
        return np.full(groups, share)
    spread = (1 - alike) / alike
    return generator.beta(share * spread, (1 - share) * spread, groups)


if __name__ == "__main__":
    main()
