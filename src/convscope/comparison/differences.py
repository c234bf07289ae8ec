"""The images on which classifiers differ: which, what each took them for, and how sure it was."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.comparison.pairing import Paired, pair
from convscope.comparison.sides import Side, judged_alike

HALF = 0.5
"""By so much larger a share of its seeds must a side be wrong for an image to be its own error."""


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """One image under several sides.

    Attributes:
        id: its path in the first one's source.
        index: its place among the paired images.
        true: its class.
        answers: what each side took it for; of several seeds the most frequent answer.
        right: of each side, how many of its seeds were right.
        seeds: of each side, how many there are.
        probability: what the side that is wrong gave to its answers, on the mean.
    """

    id: str
    index: int
    true: str
    answers: tuple[str, ...]
    right: tuple[int, ...]
    seeds: tuple[int, ...]
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def pair_all(sides: Sequence[Side]) -> Paired:
    """The images that every training of every side judged.

    Raises:
        DataError, DivergedError: see `pair`.
    """
    judged = [each.judged[0] for side in judged_alike(sides) for each in side.members]
    return pair(judged, [side.name for side in sides for _ in side.members])


def only_wrong(
    sides: Sequence[Side], paired: Paired, which: int, most: int | None = None
) -> list[Disagreement]:
    """The images that one side gets wrong and all others right, the surest errors first.

    Args:
        sides: of runs or groups that classify; folds and numbers have no such images.
        paired: their images, training by training.
        which: the side that is wrong.
        most: no more than these.
    """
    if paired.is_regression:
        return []
    ends = np.cumsum([0, *(len(side.members) for side in sides)])
    parts = [slice(low, high) for low, high in itertools.pairwise(ends)]
    shares = np.stack([paired.right[part].mean(axis=0) for part in parts])
    others = np.delete(shares, which, axis=0).min(axis=0)
    rows = np.flatnonzero((others - shares[which] >= HALF) & (shares[which] <= HALF))
    loss = paired.losses[parts[which]].mean(axis=0)
    surest = rows[np.lexsort((-loss[rows], shares[which][rows] - others[rows]))]
    return [_describe(paired, parts, which, int(row)) for row in surest[:most]]


def all_wrong(sides: Sequence[Side], paired: Paired, most: int | None = None) -> list[Disagreement]:
    """The images that no training of any side gets right, those with the largest loss first.

    Args:
        sides, paired, most: as `only_wrong` takes them.
    """
    if paired.is_regression:
        return []
    ends = np.cumsum([0, *(len(side.members) for side in sides)])
    parts = [slice(low, high) for low, high in itertools.pairwise(ends)]
    rows = np.flatnonzero(~paired.right.any(axis=0))
    surest = rows[np.argsort(-paired.losses[:, rows].mean(axis=0), kind="stable")]
    return [_describe(paired, parts, 0, int(row)) for row in surest[:most]]


def _describe(paired: Paired, parts: Sequence[slice], which: int, row: int) -> Disagreement:
    return Disagreement(
        id=paired.ids[row],
        index=row,
        true=paired.class_names[int(paired.labels[row])],
        answers=tuple(paired.class_names[_most_frequent(paired.answers[part, row])] for part in parts),
        right=tuple(int(paired.right[part, row].sum()) for part in parts),
        seeds=tuple(part.stop - part.start for part in parts),
        probability=float(paired.probabilities[parts[which], row].mean()),
    )


def _most_frequent(answers: NDArray[Any]) -> int:
    return int(np.bincount(answers).argmax())
