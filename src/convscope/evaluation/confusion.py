"""Which class is taken for which: the confusion matrix, as counts, text and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size

from convscope.wording import times

LARGEST_SHOWN = 20
"""With more classes than this the pairs most confused say more than the matrix."""

_TEXT_WIDTH = 100
_ROW_NAME_WIDTH = 18
_CORNER = "true \\ taken for"


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class taken for another."""

    true: str
    predicted: str
    count: int
    support: int
    """How many images of the true class there are."""

    def __str__(self) -> str:
        return f"{self.true} taken for {self.predicted} {times(self.count)}"

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return {
            "true": self.true,
            "predicted": self.predicted,
            "count": self.count,
            "support": self.support,
        }


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts (K, K), rows true and columns predicted, with the K class names."""

    counts: NDArray[np.int64]
    class_names: tuple[str, ...]

    def pairs(self, limit: int | None = None) -> tuple[ConfusedPair, ...]:
        """The pairs of classes confused at all, most often first; ties in the classes' order."""
        off_diagonal = self.counts - np.diag(np.diag(self.counts))
        support = self.counts.sum(axis=1)
        order = np.argsort(-off_diagonal, axis=None, kind="stable")[: np.count_nonzero(off_diagonal)]
        rows, columns = np.unravel_index(order[:limit], off_diagonal.shape)
        return tuple(
            ConfusedPair(
                self.class_names[row],
                self.class_names[column],
                int(off_diagonal[row, column]),
                int(support[row]),
            )
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        )

    def __str__(self) -> str:
        if len(self.class_names) > LARGEST_SHOWN:
            return "\n".join(self._pair_lines())
        return "\n".join(self._matrix_lines())

    def _pair_lines(self) -> list[str]:
        pairs = self.pairs(LARGEST_SHOWN)
        if not pairs:
            return [f"no class of {len(self.class_names):,} was taken for another"]
        title = f"most confused of {len(self.class_names):,} classes"
        return [title, *(f"  {pair}, of {pair.support:,}" for pair in pairs)]

    def _matrix_lines(self) -> list[str]:
        # A dot for none, so that the eye finds the errors.
        cells = [[f"{count:,}" if count else "·" for count in row] for row in self.counts.tolist()]
        widest_count = max((len(cell) for row in cells for cell in row), default=1)
        printable = [_printable(name) for name in self.class_names]
        rows = abbreviate(printable, _ROW_NAME_WIDTH)
        names = _column_names(printable, widest_count)
        if len(set(names)) < len(names) or len(set(rows)) < len(rows):
            # Nothing short tells them apart: the columns are numbered as the rows are.
            names = [str(number) for number in range(1, len(rows) + 1)]
            rows = [f"{number:>2} {row}" for number, row in zip(names, rows, strict=True)]
        first = max([cell_len(_CORNER), *(cell_len(row) for row in rows)])
        widths = [max(cell_len(name), widest_count) for name in names]
        lines = [_line(_CORNER, names, first, widths)]
        lines += [_line(row, line, first, widths) for row, line in zip(rows, cells, strict=True)]
        return lines

    def _repr_html_(self) -> str:
        if len(self.class_names) > LARGEST_SHOWN:
            return "<br>".join(escape(line) for line in self._pair_lines())
        short = abbreviate(self.class_names, _ROW_NAME_WIDTH // 2)
        head = "".join(
            f'<th title="{escape(name)}">{escape(column)}</th>'
            for name, column in zip(self.class_names, short, strict=True)
        )
        body = "".join(
            f"<tr><th>{escape(name)}</th>{self._html_cells(index)}</tr>"
            for index, name in enumerate(self.class_names)
        )
        return f"<table><tr><th>{escape(_CORNER)}</th>{head}</tr>{body}</table>"

    def _html_cells(self, row: int) -> str:
        counts = self.counts[row].tolist()
        total = max(1, sum(counts))
        cells = []
        for column, count in enumerate(counts):
            # Translucent, so that it reads on light and on dark pages.
            colour = "46, 139, 87" if column == row else "205, 60, 50"
            style = f"text-align: right; background: rgba({colour}, {0.7 * count / total:.2f})"
            cells.append(f'<td style="{style}">{f"{count:,}" if count else "·"}</td>')
        return "".join(cells)


def confusion_matrix(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], class_names: Sequence[str]
) -> Confusion:
    """Count (true, predicted) pairs; predicted and labels are class indices (N,), 0 to K - 1."""
    num_classes = len(class_names)
    flat = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return Confusion(flat.reshape(num_classes, num_classes).astype(np.int64), tuple(class_names))


def abbreviate(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` columns of text, told apart if that can be done.

    The end goes first; where that leaves two alike (photo-of-ant, photo-of-bee), the middle goes instead.
    """
    ends_cut = [_cut(name, width, keep_end=0) for name in names]
    if len(set(ends_cut)) == len(set(names)):
        return ends_cut
    return [_cut(name, width, keep_end=(width - 1) // 2 + (width - 1) % 2) for name in names]


def _column_names(names: Sequence[str], widest_count: int) -> list[str]:
    """The longest abbreviations with which the matrix still fits its width; 4 letters where none does."""
    room = _TEXT_WIDTH - _ROW_NAME_WIDTH
    for width in range(_ROW_NAME_WIDTH, max(widest_count, 4), -1):
        short = abbreviate(names, width)
        if sum(max(cell_len(name), widest_count) + 2 for name in short) <= room:
            return short
    return abbreviate(names, max(widest_count, 4))


def _cut(name: str, width: int, keep_end: int) -> str:
    if cell_len(name) <= width:
        return name
    start = set_cell_size(name, width - 1 - keep_end).rstrip()
    end = set_cell_size(name[::-1], keep_end)[::-1].lstrip() if keep_end else ""
    return f"{start}…{end}"


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def _line(first: str, cells: Sequence[str], first_width: int, widths: Sequence[int]) -> str:
    padded = [" " * (width - cell_len(cell)) + cell for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([first + " " * (first_width - cell_len(first)), *padded])
