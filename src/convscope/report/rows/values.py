"""The values before each non-linearity, layer by layer, of several networks side by side (E3 to E5)."""

import math
from collections.abc import Mapping
from html import escape

import numpy as np

from convscope.inspection.signals.running_histogram import ValueHistogram
from convscope.looking.signals import Signals
from convscope.report.palette import FACE, LIGHT

_LEFT, _TOP = 74, 52
_WIDE, _HIGH = 206, 62
_GAP, _ROOM = 26, 38  # beside a histogram; below it, for what it says
_BINS = 48


def values_plate(signals: Mapping[str, Signals]) -> str:
    """A standalone SVG: a column for each network, a row for each layer; each histogram on its own scale.

    Heights are square roots of the counts: half the values may be those of an empty background.

    Args:
        signals: what was measured, by what the network is called: `N(0, 1)`. All have the same layers.

    Raises:
        ValueError: when there is nothing to draw, or the layers differ.
    """
    columns = {name: [*each.histograms.layers, each.histograms.logits] for name, each in signals.items()}
    if len({tuple(layer.name for layer in layers) for layers in columns.values()}) != 1:
        raise ValueError("values_plate needs networks with the same layers, and at least one")
    rows = [layer.name for layer in next(iter(columns.values()))]
    width = _LEFT + len(columns) * (_WIDE + _GAP)
    height = _TOP + len(rows) * (_HIGH + _ROOM) + 4
    drawn = [f'<rect width="{width}" height="{height}" fill="{LIGHT["paper"]}"/>']
    for row, name in enumerate(rows):
        middle = _TOP + row * (_HIGH + _ROOM) + _HIGH / 2 + 4
        drawn.append(_text(8, middle, name, LIGHT["ink"]))
    for column, (name, layers) in enumerate(columns.items()):
        left = _LEFT + column * (_WIDE + _GAP)
        drawn.append(_text(left, 22, name, LIGHT["ink"], size=13))
        for row, layer in enumerate(layers):
            drawn.append(_histogram(layer, left, _TOP + row * (_HIGH + _ROOM)))
    said = f"Histograms of {', '.join(rows)} for {'; '.join(columns)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(said)}" font-family="{FACE}" font-size="11">'
        f"{''.join(drawn)}</svg>\n"
    )


def _histogram(layer: ValueHistogram, left: float, top: float) -> str:
    """Its outline, a mark at zero, and below it its least and greatest value and its standard deviation."""
    counts, low, high = _merged(layer)
    base, most = top + _HIGH, max(1.0, float(counts.max(initial=0)))
    step = _WIDE / max(1, len(counts))
    heights = "".join(f"V{base - _HIGH * (count / most) ** 0.5:.1f}h{step:.2f}" for count in counts.tolist())
    zero = ""
    if low < 0 < high:
        x = left - low / (high - low) * _WIDE
        zero = f'<path d="M{x:.1f},{top - 4}V{base}" stroke="{LIGHT["rule"]}" stroke-dasharray="3 3"/>'
    said = "not finite"
    if np.isfinite([layer.minimum, layer.maximum, layer.std]).all():
        said = f"{_short(layer.minimum)} to {_short(layer.maximum)} · deviation {_short(layer.std)}"
    return (
        f'{zero}<path d="M{left},{base}{heights}V{base}Z" fill="{LIGHT["train"]}"/>'
        f'<path d="M{left},{base}h{_WIDE}" stroke="{LIGHT["rule"]}"/>'
        f"{_text(left, base + 15, said, LIGHT['ink'])}"
    )


def _merged(layer: ValueHistogram) -> tuple[np.ndarray, float, float]:
    """At most 48 bins, made of whole ones, between the least and the greatest edge."""
    counts = np.asarray(layer.counts)
    together = -(-len(counts) // _BINS)
    padded = np.pad(counts, (0, -len(counts) % together))
    width = float(layer.edges[1] - layer.edges[0])
    low = float(layer.edges[0])
    return padded.reshape(-1, together).sum(axis=1), low, low + width * len(padded)


def _short(value: float) -> str:
    """Two digits that count, never a power of ten: 0.000091, 1.7, 150, 21,000."""
    if value == 0:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", "−")


def _text(x: float, y: float, words: str, colour: str, *, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}">{escape(words)}</text>'
