"""Sheets of images: what a data set, its errors and its augmentation look like."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convscope.data.pixels.reading import Box
from convscope.report.paper.canvas import SMALL, Sheet, Tile, block, draw, enlarge, picture_of
from convscope.report.paper.drawing import Drawing

TILE = 168


def image_grid(
    images: NDArray[np.uint8],
    true: Sequence[str],
    predicted: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    heading: str = "",
    contents: Sequence[Box] = (),
    side: int = TILE,
) -> Drawing:
    """Images with their true class and, where it is another, the one they were taken for.

    Args:
        images: uint8 (N, C, H, W).
        true: names of the true classes, or any caption.
        predicted: names of the predicted classes; an image taken for another is framed in
            red, and what it was taken for stands below, with a cross.
        columns: images in a row; as many as make a square unless given.
        heading: stands above.
        contents: where in each the image lies (left, top, right, bottom); around it is padding.
        side: about how many pixels the longer side of each is drawn with, twice as many as it is read with.

    Raises:
        ValueError: when there is no image, or captions do not match the images in number.
    """
    _check_counts(images, true, predicted)
    guesses = true if predicted is None else predicted
    tiles: list[Tile] = []
    for image, name, guess in zip(images, true, guesses, strict=True):
        wrong = guess != name
        lines = (name, guess) if wrong else (name,)
        tile = Tile(picture=enlarge(picture_of(image), side), lines=lines, is_error=wrong)
        tiles.append(_with_content(tile, contents, len(tiles), images.shape))
    per_row = columns or int(np.ceil(np.sqrt(len(images))))
    return draw(Sheet(tiles=tiles, columns=per_row, heading=heading, notes=_padding_note(tiles), gap=22))


def augmentation_sheet(
    originals: NDArray[np.uint8],
    draws: NDArray[np.uint8],
    names: Sequence[str] = (),
    contents: Sequence[Box] = (),
) -> Drawing:
    """Each image at the left, then the same image as training draws it again and again.

    Args:
        originals: uint8 (N, C, H, W).
        draws: uint8 (N, M, C, H, W), M draws of each.
        names: what each image is, below the original.
        contents: where in each original the image lies (left, top, right, bottom); around it is padding.
    """
    tiles = []
    for index, original in enumerate(originals):
        caption = (names[index],) if names else ()
        tile = Tile(picture=enlarge(picture_of(original), TILE), lines=caption)
        tiles.append(_with_content(tile, contents, index, originals.shape))
        tiles += [Tile(picture=enlarge(picture_of(drawn), TILE)) for drawn in draws[index]]
    heading = "At the left the image, then what training sees of it"
    columns = draws.shape[1] + 1
    wide = frozenset({0})
    return draw(
        Sheet(tiles=tiles, columns=columns, heading=heading, notes=_padding_note(tiles), wide_after=wide)
    )


def patch_sheet(
    patches: NDArray[np.uint8],
    projections: NDArray[np.float32] | None,
    names: Sequence[str],
    *,
    details: Sequence[tuple[str, ...]] = (),
    heading: str = "",
    notes: tuple[str, ...] = (),
) -> Drawing:
    """For each unit the patches that excite it most, and beside them what in them does.

    Args:
        patches: uint8 (units, patches, C, H, W), the strongest first.
        projections: (units, patches, C, H, W), the excitation projected back to pixels, 0 meaning nothing;
            each is drawn on its own scale around mid-grey. None leaves them out.
        names: of the units.
        details: more lines under each unit's patches.
        heading, notes: stand above.
    """
    across = int(np.ceil(np.sqrt(patches.shape[1])))
    side = max(48, (192 if projections is None else 288) // across)  # a projection is faint: larger
    tiles = []
    for index, name in enumerate(names):
        pictures = [enlarge(picture_of(patch), side) for patch in patches[index]]
        tiles.append(
            Tile(picture=block(pictures, across), lines=(name, *(details[index] if details else ())))
        )
        if projections is not None:
            signals = [enlarge(picture_of(around_grey(each)), side) for each in projections[index]]
            tiles.append(Tile(picture=block(signals, across), lines=("what excites it",)))
    pairs = 1 if projections is None else 2
    columns = pairs * min(2 if pairs == 2 else 5, len(names))
    wide = frozenset(range(1, columns, 2)) if pairs == 2 else frozenset()
    return draw(
        Sheet(tiles=tiles, columns=columns, heading=heading, notes=notes, text=SMALL, wide_after=wide)
    )


def around_grey(signals: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Signals (..., C, h, w) as pictures, each on its own scale: mid-grey is nothing."""
    limit = np.abs(signals).max(axis=(-3, -2, -1), keepdims=True)
    levels = np.round(127.5 * (1 + np.clip(signals / np.where(limit > 0, limit, 1.0), -1, 1)))
    return np.asarray(levels, dtype=np.uint8)


def _with_content(tile: Tile, contents: Sequence[Box], place: int, shape: tuple[int, ...]) -> Tile:
    """The tile with the outline of its image, where padding lies around that."""
    if place >= len(contents) or contents[place] == (0, 0, shape[3], shape[2]):
        return tile
    scale = tile.picture.width / shape[3]
    left, top, right, bottom = (edge * scale for edge in contents[place])
    return replace(tile, content=(left, top, right, bottom))


def _padding_note(tiles: Sequence[Tile]) -> tuple[str, ...]:
    return ("Dashed: where an image ends; beyond it is padding.",) if any(t.content for t in tiles) else ()


def _check_counts(images: NDArray[np.uint8], true: Sequence[str], predicted: Sequence[str] | None) -> None:
    captions = {len(true), len(true) if predicted is None else len(predicted)}
    if not len(images) or captions != {len(images)}:
        raise ValueError(
            f"image_grid needs at least one image and a name for each; got {len(images)} images, "
            f"{len(true)} true and {'no' if predicted is None else len(predicted)} predicted names"
        )
