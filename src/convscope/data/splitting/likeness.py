"""How alike images of one class are, compared with how alike images of their classes usually are.

Features of a backbone say first of all what class an image is of. Without the mean of its class, and with
the main directions of what is left made equally wide (whitened), two photos of one scene stand out from two
photos of one kind, in any set of images: what all of them share counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_DIRECTIONS = 64
_FEWEST_DIRECTIONS = 8
_IMAGES_A_DIRECTION = 8
"""Of fewer images fewer directions are known."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """Directions of images, `(N, K)` of length 1: the scalar product of two is how alike they are."""

    directions: NDArray[np.float32]
    classes: NDArray[np.int64]
    """(N,)."""

    @staticmethod
    def of(features: NDArray[np.float32], classes: Sequence[int]) -> "Likeness":
        """From features `(N, F)` of any kind, and the class of each image."""
        own = np.asarray(classes, dtype=np.int64)
        scaled = _unit(np.asarray(features, dtype=np.float32))
        counts = np.bincount(own)
        means = np.zeros((len(counts), scaled.shape[1]), dtype=np.float32)
        np.add.at(means, own, scaled)
        means /= np.maximum(counts, 1).astype(np.float32)[:, None]
        centred = scaled - means[own]
        most = min(_MOST_DIRECTIONS, centred.shape[1])
        kept = min(most, max(_FEWEST_DIRECTIONS, len(centred) // _IMAGES_A_DIRECTION))
        return Likeness(_unit(_whitened(centred, kept)), own)

    def of_pairs(self, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
        """(P,), of pairs (P, 2)."""
        found: NDArray[np.float32] = np.einsum(
            "pk,pk->p", self.directions[pairs[:, 0]], self.directions[pairs[:, 1]]
        )
        return found

    def by_chance(self, share: float) -> float:
        """Likeness that this share of pairs of random directions exceeds (a beta distribution)."""
        from scipy.special import betaincinv  # the first step of a training on arrays does not wait for it

        return float(np.sqrt(1 - betaincinv((self.directions.shape[1] - 1) / 2, 0.5, 2 * share)))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _whitened(centred: NDArray[np.float32], kept: int) -> NDArray[np.float32]:
    """The coordinates along the `kept` widest directions, each divided by its width."""
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    along = centred @ directions[:, ::-1][:, :kept].astype(np.float32)
    widths = np.linalg.norm(along, axis=0)
    is_known = widths > 1e-4 * max(float(widths.max(initial=0.0)), 1e-12)
    return np.asarray(along[:, is_known] / widths[is_known], np.float32)
