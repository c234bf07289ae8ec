"""The confusion matrix as a picture."""

from html import escape

import numpy as np

from convscope.evaluation.confusion import Confusion, abbreviate
from convscope.report.palette import FACE, LIGHT, rgb

_CELL = 34
_SHORT = 4  # letters
_CAPTION = "rows: the class; columns: taken for"
_MOST = 20  # classes with numbers in their cells


def confusion_picture(confusion: Confusion) -> str:
    """A standalone SVG: rows are the true classes, columns what they were taken for.

    What is right is blue and what is wrong is red, each as deep as its share of the row; with more than
    twenty classes the cells carry no numbers.
    """
    counts, names = confusion.counts, abbreviate(confusion.class_names, 12)
    size = len(names)
    cell = _CELL if size <= _MOST else max(4, 680 // size)
    numbered = size <= _MOST
    longest = max(map(len, names))
    is_long = longest > _SHORT
    left = 16 + 7 * longest if numbered else 20
    top = 14 if not numbered else 24 + 5 * longest if is_long else 28
    drawn = []
    support = np.maximum(counts.sum(axis=1), 1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        count, share = int(counts[row, column]), float(counts[row, column] / support[row])
        x, y = left + column * cell, top + row * cell
        hue = LIGHT["train"] if row == column else LIGHT["error"]
        drawn.append(
            f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill="{_mixed(hue, share)}"/>'
        )
        if numbered:
            ink = LIGHT["paper"] if share > 0.5 else LIGHT["ink"]
            drawn.append(_text(x + cell / 2, y + cell / 2 + 4, f"{count:,}", ink, anchor="middle"))
    if numbered:
        for place, name in enumerate(names):
            middle = place * cell + cell / 2
            drawn.append(_text(left - 8, top + middle + 4, name, LIGHT["ink"], anchor="end"))
            drawn.append(_column_name(left + middle, top - 8, name, is_long=is_long))
    width, height = left + size * cell + (5 * longest if is_long and numbered else 14), top + size * cell + 30
    drawn.append(_text(left, height - 12, _CAPTION, LIGHT["quiet"]))
    width = max(width, left + 6 * len(_CAPTION))
    right = int(np.trace(counts))
    said = f"Confusion matrix: {right:,} of {int(counts.sum()):,} right"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(said)}" font-family="{FACE}" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="{LIGHT["paper"]}"/>{"".join(drawn)}</svg>\n'
    )


def _mixed(colour: str, share: float) -> str:
    """The colour on paper: faint for a small share of the row, and never invisible."""
    depth = 0.08 + 0.92 * share
    parts = [round(255 + (channel - 255) * depth) for channel in rgb(colour)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _column_name(x: float, y: float, name: str, *, is_long: bool) -> str:
    if not is_long:
        return _text(x, y, name, LIGHT["ink"], anchor="middle")
    return f'<g transform="translate({x + 4:.1f},{y:.1f}) rotate(-40)">{_text(0, 0, name, LIGHT["ink"])}</g>'


def _text(x: float, y: float, words: str, colour: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
