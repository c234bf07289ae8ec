"""The report's errors: the confusion matrix, and the images behind its cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from convscope.evaluation.confusion import abbreviate
from convscope.evaluation.errors import ImageError, worst_errors
from convscope.evaluation.predictions import Predictions
from convscope.report.page.album import Album, Shown
from convscope.report.page.material import Material
from convscope.report.wording import percent
from convscope.wording import some

SHOWN = 12
"""How many of the worst errors are shown."""

_NUMBERED = 20  # classes
_SHORT = 4  # letters
_LABEL = 20  # letters


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

    @property
    def depth(self) -> float:
        """How deep its colour is, 0 to 1: the square root of the share, so that few are seen too."""
        return round(math.sqrt(self.shade), 3)


@dataclass(frozen=True, kw_only=True)
class CellImages:
    """The images of one cell."""

    anchor: str
    true: int
    predicted: int
    says: str
    note: str
    images: tuple[Shown, ...]
    is_right: bool


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """All that the section on errors shows."""

    worst: tuple[Shown, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    """The names, short enough to stand at the matrix, still told apart."""
    numbered: bool
    """Whether the matrix has room for numbers."""
    wordy: bool
    """Whether the names are long."""
    pairs: tuple[tuple[str, str], ...]
    """Sentences on the most confused pairs, with the anchor of each or ""."""
    cells: tuple[CellImages, ...]
    num_errors: int
    of_validation: tuple[Shown, ...]
    """The worst errors on the validation images, where they are not those that are judged."""
    num_of_validation: int
    left_out: int
    """Images that the page had no room for."""


def mistakes(material: Material, judged: Predictions) -> Mistakes:
    """Gather what the errors look like, within the page's budget of bytes."""
    album = Album(material, judged.split)
    worst = _show_errors(album, worst_errors(judged.errors, SHOWN))
    cells = _cells(judged, album)
    anchors = {cell.anchor for cell in cells}
    others = _validation_errors(material, judged)
    return Mistakes(
        worst=worst,
        rows=_matrix(judged, anchors),
        names=judged.class_names,
        labels=tuple(abbreviate(judged.class_names, _LABEL)),
        numbered=len(judged.class_names) <= _NUMBERED,
        wordy=max(len(name) for name in judged.class_names) > _SHORT,
        pairs=_pairs(judged, anchors),
        cells=cells,
        num_errors=len(judged.errors),
        of_validation=_show_errors(Album(material, "validation"), worst_errors(others, SHOWN)),
        num_of_validation=len(others),
        left_out=album.left_out,
    )


def _validation_errors(material: Material, judged: Predictions) -> Sequence[ImageError]:
    """Of few photos the test may have no error left to look at, and the validation images have some."""
    validation = material.predictions.get("validation")
    if validation is None or judged.split == "validation" or len(judged.errors) >= SHOWN:
        return ()
    return validation.errors


def _show_errors(album: Album, errors: Iterable[ImageError]) -> tuple[Shown, ...]:
    return tuple(
        shown
        for error in errors
        for shown in album.show(
            error.index,
            id=error.id,
            alt=f"{error.id}: {error.true} taken for {error.predicted}",
            truth=error.true,
            answer=error.predicted,
            note=percent(error.probability, 0),
        )
    )


def _show_right(judged: Predictions, album: Album, rows: Iterable[int]) -> tuple[Shown, ...]:
    return tuple(
        shown
        for row in rows
        for shown in album.show(
            row,
            id=judged.ids[row],
            alt=f"{judged.ids[row]}: {judged.class_names[judged.labels[row]]}, recognised",
            truth=judged.class_names[judged.labels[row]],
        )
    )


def _cells(judged: Predictions, album: Album) -> tuple[CellImages, ...]:
    """Images per cell: the errors, the fullest cells first, then the right ones in the classes' order."""
    number_of = {name: index for index, name in enumerate(judged.class_names)}
    by_cell: dict[tuple[int, int], list[ImageError]] = {}
    for error in worst_errors(judged.errors, len(judged.errors)):
        by_cell.setdefault((number_of[error.true], number_of[error.predicted]), []).append(error)
    found = []
    for (true, predicted), errors in sorted(by_cell.items(), key=lambda item: -len(item[1])):
        kept = [error for error in errors if album.has(error.index)]
        images = _show_errors(album, kept[:6])
        if images:
            note = "" if len(images) == len(errors) else f"{len(images)} of {len(errors)}"
            found.append(_cell_images(judged, true, predicted, note, images))
    for index in range(len(judged.class_names)):
        rows = np.flatnonzero((judged.labels == index) & (judged.predicted == index)).tolist()
        right = _show_right(judged, album, [row for row in rows if album.has(row)][:6])
        if right:
            note = f"{len(right)} of {len(rows)}"
            found.append(_cell_images(judged, index, index, note, right))
    return tuple(found)


def _cell_images(
    judged: Predictions, true: int, predicted: int, note: str, images: tuple[Shown, ...]
) -> CellImages:
    return CellImages(
        anchor=_anchor(true, predicted),
        true=true,
        predicted=predicted,
        says=f"{judged.class_names[true]} taken for {judged.class_names[predicted]}",
        note=note,
        images=images,
        is_right=true == predicted,
    )


def _matrix(judged: Predictions, anchors: set[str]) -> tuple[tuple[Cell, ...], ...]:
    """The cells row by row; with many classes those alone that hold an image, for nearly all are empty."""
    counts = judged.confusion.counts
    everything = len(counts) <= _NUMBERED
    return tuple(
        tuple(
            _cell(judged, row, column, anchors)
            for column in (range(len(line)) if everything else np.flatnonzero(line).tolist())
        )
        for row, line in enumerate(counts)
    )


def _cell(judged: Predictions, row: int, column: int, anchors: set[str]) -> Cell:
    counts, names = judged.confusion.counts, judged.class_names
    amount, support = int(counts[row, column]), max(1, int(counts[row].sum()))
    anchor = _anchor(row, column)
    what = "recognised" if row == column else f"taken for {names[column]}"
    return Cell(
        row=row,
        column=column,
        count=amount,
        shade=round(amount / support, 3),
        anchor=anchor if anchor in anchors else "",
        says=f"{names[row]} {what}: {amount:,} of {support:,}",
    )


def _pairs(judged: Predictions, anchors: set[str]) -> tuple[tuple[str, str], ...]:
    number_of = {name: index for index, name in enumerate(judged.class_names)}
    found = []
    for pair in judged.confusion.pairs(8):
        anchor = _anchor(number_of[pair.true], number_of[pair.predicted])
        says = f"{pair.true} taken for {pair.predicted}: {pair.count:,} of {some(pair.support, 'image')}"
        found.append((says, anchor if anchor in anchors else ""))
    return tuple(found)


def _anchor(true: int, predicted: int) -> str:
    return f"cell-{true}-{predicted}"
