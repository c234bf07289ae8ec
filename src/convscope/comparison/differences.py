"""The images on which classifiers differ: which, what each took them for, and how sure it was."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.comparison.comparing import Comparison
from convscope.comparison.pairing import Paired


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """One image under several classifiers.

    Attributes:
        id: its path in the first one's source.
        index: its place among the paired images.
        true: its class.
        answers: what each took it for.
        probabilities: what each gave to its answer.
    """

    id: str
    index: int
    true: str
    answers: tuple[str, ...]
    probabilities: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "true": self.true,
            "answers": list(self.answers),
            "probabilities": list(self.probabilities),
        }


def only_second_wrong(comparison: Comparison, most: int | None = None) -> list[Disagreement]:
    """Of two classifiers, the images that the second alone gets wrong, the surest errors first."""
    return _only_wrong(comparison, 1, most)


def only_first_wrong(comparison: Comparison, most: int | None = None) -> list[Disagreement]:
    """Of two classifiers, the images that the first alone gets wrong, the surest errors first."""
    return _only_wrong(comparison, 0, most)


def _only_wrong(comparison: Comparison, which: int, most: int | None) -> list[Disagreement]:
    paired = comparison.paired
    if paired is None or paired.is_regression or len(paired.right) != len(comparison.sides):
        return []
    rows = np.flatnonzero(~paired.right[which] & paired.right[1 - which])
    surest = rows[np.argsort(-paired.losses[which, rows], kind="stable")]
    return list(_describe(paired, surest[:most].tolist()))


def _describe(paired: Paired, rows: Iterable[int]) -> Iterable[Disagreement]:
    for row in rows:
        yield Disagreement(
            id=paired.ids[row],
            index=row,
            true=paired.class_names[int(paired.labels[row])],
            answers=tuple(paired.class_names[int(answer)] for answer in paired.answers[:, row]),
            probabilities=tuple(float(each) for each in paired.probabilities[:, row]),
        )
