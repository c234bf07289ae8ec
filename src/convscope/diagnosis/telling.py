"""Can one thing be told from another? A plain classifier, fitted on one half and tested on the other.

Its answers to the other half are independent of what it was fitted on, so how many are right by chance is
known exactly: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

_RIDGE = 1.0


@dataclass(frozen=True, kw_only=True)
class HalfTest:
    """What came of it.

    Attributes:
        right: of the half that it was tested on, how many it told rightly,
        total: of so many;
        by_chance: the share that the most frequent answer would have right there.
    """

    right: int
    total: int
    by_chance: float

    @property
    def share(self) -> float:
        """Told rightly, 0 to 1."""
        return self.right / self.total

    def p(self, part: float = 0.0) -> float:
        """How often as many are right where no more than a part of the way from chance to all can be told."""
        known = self.by_chance + part * (1 - self.by_chance)
        return 1.0 if self.right == 0 else float(bdtrc(self.right - 1, self.total, known))


def half_test(features: NDArray[np.float64], labels: NDArray[np.int64], seed: int = 0) -> HalfTest:
    """Fit least squares with a ridge on one half of rows (N, D) and labels (N,), and test on the other."""
    order = np.random.default_rng(seed).permutation(len(labels))
    fitted, tested = order[::2], order[1::2]
    mean, spread = features[fitted].mean(axis=0), features[fitted].std(axis=0)
    scaled = (features - mean) / np.where(spread > 1e-9, spread, np.inf)
    inside = np.column_stack([scaled, np.ones(len(scaled))])
    classes = np.unique(labels)
    truth = (labels[fitted, None] == classes).astype(np.float64)
    gram = inside[fitted].T @ inside[fitted] + _RIDGE * np.sqrt(len(fitted)) * np.eye(inside.shape[1])
    given = classes[(inside[tested] @ np.linalg.solve(gram, inside[fitted].T @ truth)).argmax(axis=1)]
    counts = np.bincount(labels[tested])
    return HalfTest(
        right=int((given == labels[tested]).sum()),
        total=len(tested),
        by_chance=float(counts.max() / len(tested)),
    )
