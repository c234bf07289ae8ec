"""Setting pictures and words on a sheet: tiles with captions, headings, colour bars."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.paper.drawing import Drawing, dashed, frame, pixels, stroke, words
from convscope.report.paper.lettering import LINE, shortened, width_of

TEXT: Final = 24
"""Height of captions in pixels: 12 of them in reading."""

SMALL: Final = 22
"""The smallest type that there is: 11 pixels in reading."""

MARGIN: Final = 24
GAP: Final = 14
BAR: Final = 420

_STRIP = 18
_BETWEEN = (148, 146, 140)  # seen beside white and beside black


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A picture with a caption below it; an error has a red frame, and a cross before its last line."""

    picture: Image.Image
    lines: tuple[str, ...] = ()
    is_error: bool = False
    opacity: float = 1.0
    content: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom, in the picture, of what is no padding."""
    words_only: bool = False
    """Leaves the picture's place empty, but for the words: it stands above already."""


@dataclass(frozen=True, kw_only=True)
class ColourBar:
    """A scale: its colours from left to right, uint8 (strips, length, 3), and the numbers under it."""

    colours: NDArray[np.uint8]
    labels: tuple[str, ...]
    """Evenly spaced, the first at the left end, the last at the right end."""
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Tiles in rows, with a heading and a colour bar."""

    tiles: Sequence[Tile]
    columns: int
    heading: str = ""
    """Above, in one or more lines."""
    notes: tuple[str, ...] = ()
    """Lines below the heading, in quiet type: what a reader must know to read it."""
    bar: ColourBar | None = None
    text: int = TEXT
    gap: int = GAP
    wide_after: frozenset[int] = field(default=frozenset())
    """Columns that are followed by a gap three times as wide."""


def picture_of(image: NDArray[np.uint8]) -> Image.Image:
    """Turn uint8 (C, H, W), C being 1 or 3, into a colour picture.

    Raises:
        ValueError: for another shape.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"an image must be (1, H, W) or (3, H, W); got {image.shape}")
    colour = np.repeat(image, 3, axis=0) if image.shape[0] == 1 else image
    return Image.fromarray(np.ascontiguousarray(colour.transpose(1, 2, 0)))


def enlarge(picture: Image.Image, side: int) -> Image.Image:
    """Bring the longer side of a picture to about `side`.

    Small pictures grow by a whole factor, so that each pixel stays a square; larger ones shrink smoothly.
    """
    longest = max(picture.size)
    if longest <= side:
        factor = max(1, side // longest)
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    width, height = (max(1, round(length * side / longest)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def draw(sheet: Sheet) -> Drawing:
    """Set a sheet. Captions that are too long for their column end in an ellipsis."""
    tiles = sheet.tiles
    columns = max(1, min(sheet.columns, len(tiles)))
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    cell = max((tile.picture.width for tile in tiles), default=1)
    line = round(sheet.text * LINE)
    heights = [
        max(tile.picture.height for tile in row) + max(len(tile.lines) for tile in row) * line + 4
        for row in rows
    ]
    lefts = _lefts(sheet, columns, cell)
    lines = [*sheet.heading.splitlines(), *sheet.notes]
    top = MARGIN + (round(len(lines) * TEXT * LINE) + 14 if lines else 0)
    marks = [
        words(
            (MARGIN, MARGIN - 4 + round(place * TEXT * LINE)),
            text,
            TEXT,
            "quiet" if text in sheet.notes else "ink",
        )
        for place, text in enumerate(lines)
    ]
    needed = [MARGIN + width_of(text, TEXT) for text in lines]
    for row, row_height in zip(rows, heights, strict=True):
        for left, tile in zip(lefts, row, strict=False):
            marks += _tile(tile, (left, top), cell, sheet.text)
        top += row_height + sheet.gap
    if sheet.bar:
        marks += _bar(sheet.bar, (MARGIN, top + 8))
        needed += [MARGIN + BAR, MARGIN + (width_of(sheet.bar.says, SMALL) if sheet.bar.says else 0)]
        top += 84 + _STRIP * len(sheet.bar.colours)
    width = max(lefts[-1] + cell, *needed, 0) + MARGIN
    return Drawing(width=width, height=top - sheet.gap + MARGIN, marks=tuple(marks))


def block(pictures: Sequence[Image.Image], columns: int, gap: int = 4) -> Image.Image:
    """Put pictures of one size side by side without captions, with grey lines between them."""
    wide, high = pictures[0].size
    rows = math.ceil(len(pictures) / columns)
    canvas = Image.new("RGB", (columns * (wide + gap) - gap, rows * (high + gap) - gap), _BETWEEN)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        canvas.paste(picture, (column * (wide + gap), row * (high + gap)))
    return canvas


def square_columns(count: int, stretch: float = 1.6) -> int:
    """Columns for which `count` tiles make a sheet about `stretch` times as wide as high."""
    return max(1, math.ceil(math.sqrt(count * stretch)))


def _lefts(sheet: Sheet, columns: int, cell: int) -> list[int]:
    left, lefts = MARGIN, []
    for column in range(columns):
        lefts.append(left)
        left += cell + sheet.gap * (3 if column in sheet.wide_after else 1)
    return lefts


def _tile(tile: Tile, corner: tuple[int, int], cell: int, size: int) -> Iterator[str]:
    left, top = corner
    wide, high = tile.picture.size
    if tile.words_only:
        for number, text in enumerate(tile.lines):
            yield words((left, top + number * round(size * LINE)), shortened(text, cell, size), size)
        return
    yield pixels(corner, tile.picture, tile.opacity)
    if tile.is_error:
        yield frame((left - 4, top - 4), (wide + 8, high + 8), "error", 4)
    else:
        yield frame((left - 1, top - 1), (wide + 2, high + 2), "rule")
    if tile.content:
        yield dashed(corner, tile.content)
    baseline = top + high + 4
    for number, text in enumerate(tile.lines):
        is_wrong = tile.is_error and number == len(tile.lines) - 1
        indent = size if is_wrong else 0
        if is_wrong:
            yield from _cross((left + 1, baseline + size * 0.28), size * 0.62)
        said = shortened(text, cell - indent, size)
        yield words((left + indent, baseline), said, size, "error" if is_wrong else "ink")
        baseline += round(size * LINE)


def _cross(corner: tuple[float, float], side: float) -> Iterator[str]:
    x, y = corner
    yield stroke([(x, y), (x + side, y + side)], "error", 3)
    yield stroke([(x, y + side), (x + side, y)], "error", 3)


def _bar(bar: ColourBar, corner: tuple[int, int]) -> Iterator[str]:
    left, top = corner
    high = _STRIP * len(bar.colours)
    for place, strip in enumerate(bar.colours):
        drawn = Image.fromarray(strip[None]).resize((BAR, _STRIP), Image.Resampling.BILINEAR)
        yield pixels((left, top + place * _STRIP), drawn)
    yield frame(corner, (BAR, high), "rule")
    top += high - _STRIP
    for index, label in enumerate(bar.labels):
        share = index / max(1, len(bar.labels) - 1)
        shift = share * (BAR - width_of(label, SMALL))
        yield words((round(left + shift), top + 22), label, SMALL)
    if bar.says:
        yield words((left, top + 22 + round(SMALL * LINE)), bar.says, SMALL, "quiet")
