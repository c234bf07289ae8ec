"""Sheets of images: what a data set, its errors and its augmentation look like."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.pictures.canvas import Sheet, Tile, block, draw, enlarge, picture_of

TILE = 168


def image_grid(
    images: NDArray[np.uint8],
    true: Sequence[str],
    predicted: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    heading: str = "",
) -> Image.Image:
    """Images with their true class and, where it is another, the one they were taken for.

    Args:
        images: uint8 (N, C, H, W).
        true: names of the true classes, or any caption.
        predicted: names of the predicted classes; an image taken for another is framed in
            red, and what it was taken for stands below, with a cross.
        columns: images in a row; as many as make a square unless given.
        heading: stands above.

    Raises:
        ValueError: when there is no image, or captions do not match the images in number.
    """
    _check_counts(images, true, predicted)
    guesses = true if predicted is None else predicted
    tiles = []
    for image, name, guess in zip(images, true, guesses, strict=True):
        wrong = guess != name
        lines = (name, guess) if wrong else (name,)
        tiles.append(Tile(picture=enlarge(picture_of(image), TILE), lines=lines, is_error=wrong))
    per_row = columns or int(np.ceil(np.sqrt(len(images))))
    return draw(Sheet(tiles=tiles, columns=per_row, heading=heading, gap=22))


def augmentation_sheet(
    originals: NDArray[np.uint8], draws: NDArray[np.uint8], names: Sequence[str] = ()
) -> Image.Image:
    """Each image at the left, then the same image as training draws it again and again.

    Args:
        originals: uint8 (N, C, H, W).
        draws: uint8 (N, M, C, H, W), M draws of each.
        names: what each image is, below the original.
    """
    tiles = []
    for index, original in enumerate(originals):
        caption = (names[index],) if names else ()
        tiles.append(Tile(picture=enlarge(picture_of(original), TILE), lines=caption))
        tiles += [Tile(picture=enlarge(picture_of(drawn), TILE)) for drawn in draws[index]]
    heading = "At the left the image, then what training sees of it"
    columns = draws.shape[1] + 1
    return draw(Sheet(tiles=tiles, columns=columns, heading=heading, wide_after=frozenset({0})))


def patch_sheet(
    patches: NDArray[np.uint8],
    projections: NDArray[np.float32] | None,
    names: Sequence[str],
    *,
    heading: str = "",
) -> Image.Image:
    """For each unit the patches that excite it most, and beside them what in them does.

    Args:
        patches: uint8 (units, patches, C, H, W), the strongest first.
        projections: (units, patches, C, H, W), the excitation projected back to pixels, 0 meaning nothing;
            each is drawn on its own scale around mid-grey. None leaves them out.
        names: of the units.
        heading: stands above.
    """
    across = int(np.ceil(np.sqrt(patches.shape[1])))
    side = max(48, 192 // across)
    tiles = []
    for index, name in enumerate(names):
        pictures = [enlarge(picture_of(patch), side) for patch in patches[index]]
        tiles.append(Tile(picture=block(pictures, across), lines=(name,)))
        if projections is not None:
            signals = [enlarge(picture_of(around_grey(each)), side) for each in projections[index]]
            tiles.append(Tile(picture=block(signals, across), lines=("what excites it",)))
    pairs = 1 if projections is None else 2
    columns = pairs * min(3 if pairs == 2 else 5, len(names))
    wide = frozenset(range(1, columns, 2)) if pairs == 2 else frozenset()
    return draw(Sheet(tiles=tiles, columns=columns, heading=heading, wide_after=wide))


def around_grey(signals: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Signals (..., C, h, w) as pictures, each on its own scale: mid-grey is nothing."""
    limit = np.abs(signals).max(axis=(-3, -2, -1), keepdims=True)
    levels = np.round(127.5 * (1 + np.clip(signals / np.where(limit > 0, limit, 1.0), -1, 1)))
    return np.asarray(levels, dtype=np.uint8)


def _check_counts(images: NDArray[np.uint8], true: Sequence[str], predicted: Sequence[str] | None) -> None:
    captions = {len(true), len(true) if predicted is None else len(predicted)}
    if not len(images) or captions != {len(images)}:
        raise ValueError(
            f"image_grid needs at least one image and a name for each; got {len(images)} images, "
            f"{len(true)} true and {'no' if predicted is None else len(predicted)} predicted names"
        )
