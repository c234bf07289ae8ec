"""The colours of every chart, picture and page, and the two scales that turn numbers into colour.

One ink, one red for errors, and a few hues that stay apart for readers with any colour vision (Okabe and Ito,
2008). Charts are drawn in the light colours; `themed` lets a page replace each by its own for dark paper.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

LIGHT: Final = {
    "paper": "#ffffff",
    "ink": "#1d1d1b",
    "quiet": "#66645e",
    "rule": "#bdbab1",
    "grid": "#ebe9e3",
    "train": "#2467ad",
    "validation": "#c4501b",
    "batch": "#b4b1a8",
    "error": "#b3202c",
    "shade": "#f3d9cb",
}
"""Colours on white paper, by what they stand for."""

DARK: Final = {
    "paper": "#171715",
    "ink": "#e9e7e1",
    "quiet": "#a19e96",
    "rule": "#55534c",
    "grid": "#2b2a27",
    "train": "#79b0ea",
    "validation": "#f0935f",
    "batch": "#6e6b64",
    "error": "#ff7a7f",
    "shade": "#4a3022",
}
"""The same on dark paper."""

HUES: Final = (
    "#2273c9",
    "#d6700f",
    "#158f63",
    "#c44a94",
    "#8b7413",
    "#1b93b5",
    "#a8513a",
    "#7a5fd0",
    "#6f941c",
    "#7d7b76",
)
"""Hues for classes, each with a contrast of 3 or more to light and to dark paper. With more than ten classes
they come round again, which is why marks also carry names."""

FACE: Final = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
"""The typeface of charts and pictures."""

# Anchor colours, evenly spaced, steady in lightness, so that they survive printing in grey.
_DIVERGING = ((33, 78, 160), (120, 160, 215), (255, 255, 255), (226, 130, 115), (168, 20, 36))
_SEQUENTIAL = (
    (20, 12, 40),
    (64, 20, 96),
    (128, 37, 108),
    (190, 60, 84),
    (236, 110, 50),
    (250, 178, 60),
    (252, 246, 190),
)


def diverging(values: ArrayLike, limit: float) -> NDArray[np.uint8]:
    """Blue for -limit, white for zero, red for +limit.

    Args:
        values: numbers of any shape; those beyond the limit take the end colour.
        limit: where the scale ends on both sides; zero or less makes all white.

    Returns:
        uint8 of shape (*values.shape, 3).
    """
    numbers = np.asarray(values, dtype=np.float64)
    if limit <= 0:
        return np.full((*numbers.shape, 3), 255, dtype=np.uint8)
    return _interpolate(numbers / (2 * limit) + 0.5, _DIVERGING)


def sequential(values: ArrayLike, low: float, high: float) -> NDArray[np.uint8]:
    """Dark for `low`, through red, to light yellow for `high`.

    Returns:
        uint8 of shape (*values.shape, 3). A scale without width (high <= low) is all dark.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if high <= low:
        return _interpolate(np.zeros_like(numbers), _SEQUENTIAL)
    return _interpolate((numbers - low) / (high - low), _SEQUENTIAL)


ANY_PAGE: Final = {
    "paper": "transparent",
    "ink": "currentColor",
    "quiet": "color-mix(in srgb, currentColor 75%, transparent)",
    "rule": "color-mix(in srgb, currentColor 35%, transparent)",
    "grid": "color-mix(in srgb, currentColor 12%, transparent)",
    "train": "#4a8fd8",
    "validation": "#e07b39",
    "batch": "#999",
    "error": "#d9534f",
    "shade": "rgba(224, 123, 57, .22)",
}
"""The same on paper of any colour: what is ink there is ink here, and what is quiet is thinned."""


def themed(svg: str) -> str:
    """Replace the light colours in an SVG by CSS variables, `var(--ink)` and so on."""
    for name, colour in LIGHT.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
    return svg


def rgb(colour: str) -> tuple[int, int, int]:
    """Turn "#rrggbb" into three whole numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _interpolate(
    position: NDArray[np.float64], anchors: tuple[tuple[int, int, int], ...]
) -> NDArray[np.uint8]:
    where = np.clip(np.nan_to_num(position), 0, 1) * (len(anchors) - 1)
    steps = np.arange(len(anchors))
    channels = [np.interp(where, steps, [anchor[i] for anchor in anchors]) for i in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)
