"""Setting pictures and words on a sheet: tiles with captions, headings, colour bars. Pillow only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from convscope.report.palette import LIGHT, rgb
from convscope.report.pictures.lettering import LINE, shortened, width_of, word

TEXT: Final = 24
"""Height of captions in pixels. Sheets are drawn at twice the size at which they are read, to stay sharp."""

SMALL: Final = 20
MARGIN: Final = 24
GAP: Final = 14

_PAPER = rgb(LIGHT["paper"])
_RULE = rgb(LIGHT["rule"])
_ERROR = rgb(LIGHT["error"])


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A picture with a caption below it; an error has a red frame, and a cross before its last line."""

    picture: Image.Image
    lines: tuple[str, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, kw_only=True)
class ColourBar:
    """A scale: its colours from left to right, uint8 (length, 3), and the numbers under it."""

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


def draw(sheet: Sheet) -> Image.Image:
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
    top = MARGIN + (round(TEXT * 1.9) if sheet.heading else 0)
    heading_width = width_of(sheet.heading, TEXT + 2) if sheet.heading else 0
    bar_width = 420 if sheet.bar else 0
    width = max(lefts[-1] + cell, MARGIN + heading_width, MARGIN + bar_width) + MARGIN
    bar_height = 102 if sheet.bar else 0
    height = top + sum(heights) + sheet.gap * max(0, len(rows) - 1) + bar_height + MARGIN
    canvas = Image.new("RGB", (width, height), _PAPER)
    if sheet.heading:
        _write(canvas, (MARGIN, MARGIN - 4), sheet.heading, TEXT + 2)
    for row, row_height in zip(rows, heights, strict=True):
        for left, tile in zip(lefts, row, strict=False):
            _draw_tile(canvas, tile, (left, top), cell, sheet.text)
        top += row_height + sheet.gap
    if sheet.bar:
        _draw_bar(canvas, sheet.bar, (MARGIN, top + 8), bar_width)
    return canvas


def block(pictures: Sequence[Image.Image], columns: int, gap: int = 3) -> Image.Image:
    """Put pictures of one size side by side without captions."""
    wide, high = pictures[0].size
    rows = math.ceil(len(pictures) / columns)
    canvas = Image.new("RGB", (columns * (wide + gap) - gap, rows * (high + gap) - gap), _PAPER)
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


def _draw_tile(canvas: Image.Image, tile: Tile, corner: tuple[int, int], cell: int, size: int) -> None:
    left, top = corner
    pen = ImageDraw.Draw(canvas)
    canvas.paste(tile.picture, (left, top))
    right, bottom = left + tile.picture.width, top + tile.picture.height
    if tile.is_error:
        pen.rectangle((left - 4, top - 4, right + 3, bottom + 3), outline=_ERROR, width=4)
    else:
        pen.rectangle((left - 1, top - 1, right, bottom), outline=_RULE)
    baseline = top + tile.picture.height + 4
    for number, text in enumerate(tile.lines):
        last = number == len(tile.lines) - 1
        indent = 0
        if tile.is_error and last:
            _draw_cross(pen, (left + 1, baseline + size * 0.28), size * 0.62)
            indent = size
        colour = "error" if tile.is_error and last else "ink"
        _write(canvas, (left + indent, baseline), shortened(text, cell - indent, size), size, colour)
        baseline += round(size * LINE)


def _draw_cross(pen: ImageDraw.ImageDraw, corner: tuple[float, float], side: float) -> None:
    x, y = corner
    pen.line((x, y, x + side, y + side), fill=_ERROR, width=3)
    pen.line((x, y + side, x + side, y), fill=_ERROR, width=3)


def _draw_bar(canvas: Image.Image, bar: ColourBar, corner: tuple[int, int], width: int) -> None:
    left, top = corner
    pen = ImageDraw.Draw(canvas)
    strip = Image.fromarray(bar.colours[None]).resize((width, 18), Image.Resampling.BILINEAR)
    canvas.paste(strip, (left, top))
    pen.rectangle((left, top, left + width - 1, top + 17), outline=_RULE)
    for index, label in enumerate(bar.labels):
        share = index / max(1, len(bar.labels) - 1)
        shift = share * (width - width_of(label, SMALL))
        _write(canvas, (round(left + shift), top + 24), label, SMALL)
    if bar.says:
        _write(canvas, (left, top + 50), bar.says, SMALL, "quiet")


def _write(canvas: Image.Image, corner: tuple[int, int], text: str, size: int, colour: str = "ink") -> None:
    drawn = word(text, size, LIGHT[colour])
    canvas.paste(drawn, corner, drawn)
