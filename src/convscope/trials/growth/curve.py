"""A learning curve: how often images held out are answered wrongly, by how many images were learned from."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 7
"""Sizes from an eighth to all, each the one before times the root of two."""
_FEWEST_OF_A_CLASS = 3
_FEWEST = 12

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """What was measured.

    Attributes:
        sizes: (S,), training images, rising; the last is all that there are.
        wrong: (S, N), by size, the share of trainings that answer each of N images wrongly: 0 or 1 where one
            training judges each.
        clusters: (N,): images of equal numbers belong together, and are no independent witnesses.
        by_chance: the error of always answering the most frequent class.
        by: how it was measured, as it stands in a sentence: `the exact head on subsets`.
    """

    sizes: NDArray[np.int64]
    wrong: Floats
    clusters: Rows
    by_chance: float
    by: str

    @property
    def errors(self) -> Floats:
        """(S,), the share of wrong answers."""
        means: Floats = self.wrong.mean(axis=1)
        return means

    @property
    def covariance(self) -> Floats:
        """(S, S), of the errors, as other images held out would give others.

        Clusters count as one witness each; one error in a hundred images is known no better than to one
        image, so that a curve without any error is not taken for certain.
        """
        count = self.wrong.shape[1]
        _, of_cluster = np.unique(self.clusters, return_inverse=True)
        residuals = np.zeros((len(self.sizes), of_cluster.max() + 1))
        for size, row in enumerate(self.wrong - self.errors[:, None]):
            residuals[size] = np.bincount(of_cluster, weights=row, minlength=residuals.shape[1])
        found: Floats = residuals @ residuals.T / count**2 + np.full((len(self.sizes),) * 2, 1 / count**2)
        return found


def subset_sizes(total: int, num_classes: int, steps: int = STEPS, ratio: float = 2**0.5) -> list[int]:
    """The sizes of a curve, rising to `total`: none so small that a class may be missing."""
    least = max(_FEWEST, _FEWEST_OF_A_CLASS * num_classes)
    sizes = {round(total / ratio**step) for step in range(steps)}
    return sorted(size for size in sizes if size >= least)


def stratified_order(labels: Sequence[int], clusters: Sequence[int], seed: int) -> list[int]:
    """All rows, so that each beginning of the list has about each class's share, and tears no cluster apart.

    Args:
        labels: (N,), class indices.
        clusters: (N,), numbers of what stays together.
        seed: another seed, another order.
    """
    random = np.random.default_rng(seed)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for row, cluster in enumerate(clusters):
        members[cluster].append(row)
    of_class: defaultdict[int, list[list[int]]] = defaultdict(list)
    for together in members.values():
        of_class[labels[together[0]]].append(together)
    placed: list[tuple[float, int, list[int]]] = []
    for label, groups in sorted(of_class.items()):
        total, done = sum(map(len, groups)), 0
        for place in random.permutation(len(groups)).tolist():
            placed.append(((done + random.random()) / total, label, groups[place]))
            done += len(groups[place])
    return [row for _, _, together in sorted(placed) for row in together]
