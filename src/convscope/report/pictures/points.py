"""Points in a plane, one an image: coloured by class, groups named, errors crossed."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convscope.report.palette import HUES, LIGHT
from convscope.report.paper.canvas import MARGIN, SMALL, TEXT
from convscope.report.paper.drawing import Drawing, words
from convscope.report.paper.lettering import LINE, printable, width_of

WIDTH: Final = 1160
HEIGHT: Final = 820
MOST_NAMED: Final = 24
"""Classes whose groups are named; more names would hide the points."""

_ROUNDS = 60
_RADIUS = 5
_ARM = 8  # half of a cross
_KEY = 24  # the room of the coloured dot before a name


def point_sheet(
    points: NDArray[np.floating],
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    class_names: Sequence[str],
    *,
    said: Sequence[str],
    heading: str,
    notes: Sequence[str],
) -> Drawing:
    """The points, errors above the others.

    Args:
        points: (N, 2), on any scale; both axes are stretched to the sheet.
        labels, predicted: (N,), true classes, and what the images were taken for.
        class_names: in index order.
        said: what each point is, which a page tells of it.
        heading, notes: stand above.
    """
    lines = [heading, *notes]
    top = MARGIN + round(len(lines) * TEXT * LINE) + 20
    places = _spread(np.asarray(points, dtype=float), top)
    marks = [
        words((MARGIN, MARGIN - 4 + round(row * TEXT * LINE)), text, TEXT, "quiet" if row else "ink")
        for row, text in enumerate(lines)
    ]
    order = np.argsort(labels != predicted, kind="stable").tolist()
    for place in order:
        hue = HUES[int(labels[place]) % len(HUES)]
        marks.append(_mark(places[place], hue, place, said[place], bool(labels[place] != predicted[place])))
    if len(class_names) <= MOST_NAMED:
        marks += _names(places, labels, class_names)
    return Drawing(width=WIDTH, height=top + HEIGHT + MARGIN, marks=tuple(marks))


def _spread(points: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    low, high = points.min(axis=0), points.max(axis=0)
    share = (points - low) / np.where(high > low, high - low, 1.0)
    share[:, 1] = 1 - share[:, 1]
    room = np.array([WIDTH - 4 * MARGIN, HEIGHT - MARGIN])
    return np.asarray(share * room + np.array([2 * MARGIN, top]), dtype=np.float64)


def _mark(at: NDArray[np.float64], hue: str, place: int, said: str, is_wrong: bool) -> str:
    x, y = at.tolist()
    title = f"<title>{escape(printable(said))}</title>"
    if not is_wrong:
        where = f'cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"'
        return f'<circle data-place="{place}" {where} fill="{hue}">{title}</circle>'
    left, right, high, low = x - _ARM, x + _ARM, y - _ARM, y + _ARM
    cross = f"M{left:.1f} {high:.1f}L{right:.1f} {low:.1f}M{left:.1f} {low:.1f}L{right:.1f} {high:.1f}"
    ground = f'<path d="{cross}" stroke="{LIGHT["paper"]}" stroke-width="8"/>'
    return f'<g data-place="{place}">{title}{ground}<path d="{cross}" stroke="{hue}" stroke-width="4"/></g>'


def _names(
    places: NDArray[np.float64], labels: NDArray[np.int64], class_names: Sequence[str]
) -> Iterator[str]:
    """Each class's name, behind its colour, in the middle of its points; moved apart where two collide."""
    shown = [index for index in range(len(class_names)) if (labels == index).any()]
    middles = np.array([np.median(places[labels == index], axis=0) for index in shown])
    widths = np.array([width_of(class_names[index], TEXT) for index in shown], dtype=float)
    _move_apart(middles, widths + _KEY)
    for index, (x, y), width in zip(shown, middles.tolist(), widths.tolist(), strict=True):
        left = min(max(x - width / 2, 4 + _KEY), WIDTH - width - 4)
        ground = f'stroke="{LIGHT["paper"]}" stroke-width="9" stroke-linejoin="round" paint-order="stroke"'
        drawn = words((left, y - TEXT / 2), class_names[index], TEXT)
        hue, dot = HUES[index % len(HUES)], f'cx="{left - _KEY / 2:.1f}" cy="{y:.1f}" r="{_KEY / 3:.1f}"'
        yield f'<circle {dot} fill="{hue}" stroke="{LIGHT["paper"]}" stroke-width="4"/>'
        yield drawn.replace("<text ", f'<text font-weight="bold" {ground} ', 1)


def _move_apart(middles: NDArray[np.float64], widths: NDArray[np.float64]) -> None:
    for _ in range(_ROUNDS):
        moved = False
        for one in range(len(middles)):
            for other in range(one):
                near = (
                    abs(middles[one, 0] - middles[other, 0]) < (widths[one] + widths[other]) / 2 + SMALL / 2
                )
                gap = middles[one, 1] - middles[other, 1]
                if near and abs(gap) < TEXT * LINE:
                    push = (TEXT * LINE - abs(gap)) / 2 * (1 if gap >= 0 else -1)
                    middles[one, 1] += push
                    middles[other, 1] -= push
                    moved = True
        if not moved:
            return
