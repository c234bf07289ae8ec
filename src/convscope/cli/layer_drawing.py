"""A network drawn in characters: a bar for each layer, as long as what comes out of it is wide."""

from collections.abc import Iterator
from itertools import groupby

from convscope.networks.summary import LayerSummary, Summary

LONGEST = 40
FEWEST = 12
"""Columns for bars; on a screen that leaves fewer nothing is drawn."""

MOST_ROWS = 24
"""Of a deeper network the layers at which the shape changes are drawn, as far as they fit."""

THICKNESS = "▁▂▃▄▅▆▇█"


def draw_layers(summary: Summary, width: int) -> list[str]:
    """A line for each shape that the values take: as long as an image is wide, as thick as it has channels.

    Both are relative to the largest: widths as they are, channels by their logarithm.
    """
    rows = list(_shapes(summary))[:MOST_ROWS]
    if not rows:
        return []
    names = max(len(name) for name, _ in rows)
    room = min(LONGEST, width - names - len("  ") * 3 - max(len(_said(shape)) for _, shape in rows))
    if room < FEWEST:
        return []
    widest = max(_side(shape) for _, shape in rows)
    deepest = max(shape[0] for _, shape in rows)
    lines = []
    for name, shape in rows:
        level = shape[0].bit_length() * (len(THICKNESS) - 1) // deepest.bit_length()
        bar = THICKNESS[level] * max(1, round(room * _side(shape) / widest))
        lines.append(f"  {name:<{names}}  {bar:^{room}}  {_said(shape)}".rstrip())
    return lines


def _shapes(summary: Summary) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The image, and the first layer of each run of layers that give the same shape."""
    yield "image", summary.image_shape
    layers = [layer for layer in summary.layers if len(layer.output_shape) in (1, 3)]
    for shape, same in groupby(layers, key=lambda layer: layer.output_shape):
        first: LayerSummary = next(same)
        if shape != summary.image_shape:
            yield first.name, shape


def _side(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) > 1 else 1


def _said(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)
