"""The confusion matrix of the page of errors: each count leads to its images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convscope.serving.correcting.shown import Wish

if TYPE_CHECKING:
    from convscope.evaluation.predictions import Predictions

LARGEST_MATRIX = 20
"""Of more classes, the pairs most confused stand in its place."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Of the confusion matrix.

    Attributes:
        share: of the row's images, 0 to 1.
        is_right: whether label and answer are the same.
        is_open: whether its images are shown.
    """

    count: int
    share: float
    address: str
    is_right: bool
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """Of the confusion matrix, or of the list of pairs that stands for it."""

    name: str
    address: str
    cells: tuple[Cell, ...]


def matrix(judged: Predictions, wish: Wish) -> tuple[Row, ...]:
    """The confusion matrix, with an address for each cell; empty for more than 20 classes."""
    names = judged.class_names
    if len(names) > LARGEST_MATRIX:
        return ()
    counts = judged.confusion.counts
    return tuple(
        Row(
            name=name,
            address=wish.address(true=true, predicted=None, view="sure"),
            cells=tuple(
                Cell(
                    count=int(count),
                    share=round(float(count) / max(1, int(counts[true].sum())), 3),
                    address=wish.address(true=true, predicted=predicted, view="sure"),
                    is_right=true == predicted,
                    is_open=(wish.true, wish.predicted) == (true, predicted),
                )
                for predicted, count in enumerate(counts[true].tolist())
            ),
        )
        for true, name in enumerate(names)
    )


def pairs(judged: Predictions, wish: Wish) -> tuple[tuple[str, str], ...]:
    """The pairs of classes confused most often, each in words and with its address."""
    index_of = {name: index for index, name in enumerate(judged.class_names)}
    return tuple(
        (
            str(pair),
            wish.address(true=index_of[pair.true], predicted=index_of[pair.predicted], view="sure"),
        )
        for pair in judged.confusion.pairs(LARGEST_MATRIX)
    )
