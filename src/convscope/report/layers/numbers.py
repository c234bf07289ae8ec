"""Small grids of numbers: each cell has its colour, its number where there is room, and says it on hover."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from convscope.report.palette import FACE, diverging
from convscope.wording import rounded

MOST_NUMBERED = 7
"""Cells in a row up to which there is room for numbers that can be read."""
MOST_TOLD = 1024
"""Cells of a grid up to which each has words of its own."""

_CELL, _NARROW, _TYPE = 40, 31, 11
_WIDE_UP_TO = 5
_SMALL_GRID = 196
_DARK_UP_TO = 140
"""Luminance of a cell below which its number is written in white."""


def short(value: float) -> str:
    """A number in at most five characters or so: `0.53`, `−12.3`, `204`."""
    size = abs(value)
    text = f"{value:.0f}" if size >= 99.95 else f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"
    text = text.replace("-", "−")
    return text.removeprefix("−") if not text.strip("−0.") else text


def exact(value: float) -> str:
    """A number as it is told: five significant digits."""
    return rounded(value, 5)


def signed_colours(values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.uint8]:
    """Blue below 0, white at 0, red above, by the largest of the grid."""
    return diverging(values, float(np.abs(values).max(initial=0.0)))


def grey_colours(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """Black for `low`, white for `high`: the image's own shades."""
    levels = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    grey = np.round(255 * levels).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def number_grid(
    values: NDArray[np.float32] | NDArray[np.float64],
    colours: NDArray[np.uint8],
    told: Sequence[str],
    *,
    alt: str,
    inside: NDArray[np.bool_] | None = None,
    marked: tuple[int, int] | None = None,
) -> str:
    """A grid as SVG.

    Args:
        values: (h, w).
        colours: (h, w, 3), of the cells.
        told: what each cell says on hover, row by row.
        alt: what the whole is.
        inside: (h, w); the other cells are padding, and drawn as such.
        marked: row and column of a cell with a frame.
    """
    rows, columns = values.shape
    is_numbered = max(rows, columns) <= MOST_NUMBERED
    cell = _cell(max(rows, columns)) if is_numbered else max(3, _SMALL_GRID // max(rows, columns))
    wide, high = columns * cell, rows * cell
    is_told = rows * columns <= MOST_TOLD
    parts = []
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        there = inside is None or bool(inside[row, column])
        fill = "#{:02x}{:02x}{:02x}".format(*colours[row, column]) if there else "var(--grid)"
        title = f"<title>{escape(told[place])}</title>" if is_told else ""
        corner = f'x="{column * cell}" y="{row * cell}"'
        parts.append(f'<rect {corner} width="{cell}" height="{cell}" fill="{fill}">{title}</rect>')
        if is_numbered:
            ink = _ink(colours[row, column]) if there else "var(--quiet)"
            middle = f'x="{column * cell + cell / 2:g}" y="{row * cell + cell / 2 + 4:g}"'
            said = short(float(values[row, column]))
            parts.append(f'<text {middle} fill="{ink}" pointer-events="none">{said}</text>')
    if marked is not None:
        corner = f'x="{marked[1] * cell + 1.5}" y="{marked[0] * cell + 1.5}"'
        size = f'width="{cell - 3}" height="{cell - 3}"'
        parts.append(f'<rect {corner} {size} fill="none" stroke="var(--error)" stroke-width="3"/>')
    frame = f'<rect x=".5" y=".5" width="{wide - 1}" height="{high - 1}" fill="none" stroke="var(--rule)"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="numbers" viewBox="0 0 {wide} {high}" '
        f'width="{wide}" height="{high}" role="img" aria-label="{escape(alt)}" font-family="{FACE}" '
        f'font-size="{_TYPE}" text-anchor="middle">{"".join(parts)}{frame}</svg>'
    )


def _cell(across: int) -> int:
    """Narrower where there are many, so that three grids stand side by side."""
    return _CELL if across <= _WIDE_UP_TO else _NARROW


def _ink(colour: NDArray[np.uint8]) -> str:
    red, green, blue = (int(each) for each in colour)
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < _DARK_UP_TO else "#1d1d1b"
