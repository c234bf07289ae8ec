"""The report's errors: the confusion matrix, and the images behind its cells."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from convscope.evaluation.errors import ImageError, worst_errors
from convscope.report.embed import image_uri
from convscope.report.material import Material, Predictions
from convscope.report.wording import count, percent

SHOWN = 12
"""How many of the worst, and of the first, errors are shown."""

_BUDGET = 5_000_000  # characters for images, so that the page stays below 10 MB whatever the run
_NUMBERED = 20  # up to this many classes the matrix has room for numbers


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An image, what it is, what it was taken for, and a note on that."""

    uri: str
    alt: str
    id: str
    truth: str = ""
    answer: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the confusion matrix."""

    row: int
    column: int
    count: int
    shade: float
    """Share of the row, 0 to 1."""
    anchor: str
    """Where its images are; empty if none are shown."""
    says: str


@dataclass(frozen=True, kw_only=True)
class CellImages:
    """The images of one cell."""

    anchor: str
    true: str
    predicted: str
    note: str
    images: tuple[Shown, ...]
    is_right: bool


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """All that the section on errors shows."""

    worst: tuple[Shown, ...]
    first: tuple[Shown, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: tuple[str, ...]
    numbered: bool
    pairs: tuple[tuple[str, str], ...]
    """Sentences on the most confused pairs, with the anchor of each or ""."""
    cells: tuple[CellImages, ...]
    num_errors: int
    left_out: int
    """Images that the page had no room for."""


def mistakes(material: Material, judged: Predictions) -> Mistakes:
    """Gather what the errors look like, within the page's budget of bytes."""
    album = _Album(material, judged)
    worst = album.show(worst_errors(judged.errors, SHOWN))
    first = album.show(judged.errors[:SHOWN])
    cells = _cells(judged, album)
    anchors = {cell.anchor for cell in cells}
    return Mistakes(
        worst=worst,
        first=first,
        rows=_matrix(judged, anchors),
        names=judged.class_names,
        numbered=len(judged.class_names) <= _NUMBERED,
        pairs=_pairs(judged, anchors),
        cells=cells,
        num_errors=len(judged.errors),
        left_out=album.left_out,
    )


class _Album:
    """Turns rows of a split into images for the page, and keeps count of the bytes."""

    def __init__(self, material: Material, judged: Predictions) -> None:
        self._thumbnails = material.thumbnails
        self._judged = judged
        self._left = _BUDGET
        self.left_out = 0

    def has(self, row: int) -> bool:
        return (self._judged.split, row) in self._thumbnails

    def show(self, errors: Iterable[ImageError]) -> tuple[Shown, ...]:
        """The images of errors, as far as the run kept them and the page has room."""
        shown = []
        for error in errors:
            alt = f"{error.id}: {error.true} taken for {error.predicted}"
            uri = self._uri(error.index)
            if uri:
                sure = percent(error.probability, 0)
                shown.append(
                    Shown(uri=uri, alt=alt, id=error.id, truth=error.true, answer=error.predicted, note=sure)
                )
        return tuple(shown)

    def show_right(self, rows: Iterable[int]) -> tuple[Shown, ...]:
        """The images of rows that the network got right."""
        shown = []
        for row in rows:
            name = self._judged.class_names[int(self._judged.labels[row])]
            uri = self._uri(row)
            if uri:
                id = self._judged.ids[row]
                shown.append(Shown(uri=uri, alt=f"{id}: {name}, recognised", id=id, truth=name))
        return tuple(shown)

    def _uri(self, row: int) -> str:
        """The image of a row; empty where the run did not keep it or the page is full."""
        if not self.has(row):
            return ""
        uri = image_uri(self._thumbnails[self._judged.split, row])
        if len(uri) > self._left:
            self.left_out += 1
            return ""
        self._left -= len(uri)
        return uri


def _cells(judged: Predictions, album: _Album) -> tuple[CellImages, ...]:
    """Images per cell: the errors, the fullest cells first, then the right ones in the classes' order."""
    number_of = {name: index for index, name in enumerate(judged.class_names)}
    by_cell: dict[tuple[int, int], list[ImageError]] = {}
    for error in worst_errors(judged.errors, len(judged.errors)):
        by_cell.setdefault((number_of[error.true], number_of[error.predicted]), []).append(error)
    found = []
    for (true, predicted), errors in sorted(by_cell.items(), key=lambda item: -len(item[1])):
        kept = [error for error in errors if album.has(error.index)]
        images = album.show(kept[:6])
        if images:
            note = "" if len(images) == len(errors) else f"{len(images)} of {len(errors)}"
            found.append(_cell_images(judged, true, predicted, note, images))
    for index in range(len(judged.class_names)):
        rows = np.flatnonzero((judged.labels == index) & (judged.predicted == index)).tolist()
        right = album.show_right([row for row in rows if album.has(row)][:6])
        if right:
            note = f"{len(right)} of {len(rows)}"
            found.append(_cell_images(judged, index, index, note, right))
    return tuple(found)


def _cell_images(
    judged: Predictions, true: int, predicted: int, note: str, images: tuple[Shown, ...]
) -> CellImages:
    return CellImages(
        anchor=_anchor(true, predicted),
        true=judged.class_names[true],
        predicted=judged.class_names[predicted],
        note=note,
        images=images,
        is_right=true == predicted,
    )


def _matrix(judged: Predictions, anchors: set[str]) -> tuple[tuple[Cell, ...], ...]:
    counts = judged.confusion.counts
    support = np.maximum(counts.sum(axis=1), 1)
    names = judged.class_names
    rows = []
    for row, line in enumerate(counts.tolist()):
        cells = []
        for column, amount in enumerate(line):
            anchor = _anchor(row, column)
            what = "right" if row == column else f"taken for {names[column]}"
            cells.append(
                Cell(
                    row=row,
                    column=column,
                    count=amount,
                    shade=round(amount / int(support[row]), 3),
                    anchor=anchor if anchor in anchors else "",
                    says=f"{names[row]} {what}: {amount:,} of {int(support[row]):,}",
                )
            )
        rows.append(tuple(cells))
    return tuple(rows)


def _pairs(judged: Predictions, anchors: set[str]) -> tuple[tuple[str, str], ...]:
    number_of = {name: index for index, name in enumerate(judged.class_names)}
    found = []
    for pair in judged.confusion.pairs(8):
        anchor = _anchor(number_of[pair.true], number_of[pair.predicted])
        says = f"{pair.true} taken for {pair.predicted}: {pair.count:,} of {count(pair.support, 'image')}"
        found.append((says, anchor if anchor in anchors else ""))
    return tuple(found)


def _anchor(true: int, predicted: int) -> str:
    return f"cell-{true}-{predicted}"
