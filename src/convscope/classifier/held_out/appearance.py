"""What can be seen without a network: in which plain ways an image differs from the training images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]

VALUES = ("brightness", "contrast", "fineness", "colour", "border")
"""Of each image, 0 to 1: mean and deviation of its grey, how much neighbours differ, how far its channels are
apart, and how bright its outermost pixels are."""

_SAID = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "of more contrast"),
    "fineness": ("smoother", "rougher"),
    "colour": ("less coloured", "more coloured"),
}
_SIDE = 64
"""Of larger images every second pixel is looked at, or every third: as many as fit into that."""
_GREY = 0.02
"""Channels that are closer than this on average are those of a grey image."""
_AT_LEAST = 0.02
"""By so much must a value lie outside the range to be plain to see; no range is narrower."""


@dataclass(frozen=True, eq=False)
class Appearance:
    """The ranges of plain values over some training images.

    Attributes:
        low, high: float32 `(5,)`, least and greatest of each of `VALUES`.
        n: of so many images.
    """

    low: Floats
    high: Floats
    n: int

    @staticmethod
    def of(images: Tensor) -> Appearance:
        """From training images, uint8 `(N, C, H, W)`, at least one."""
        values = appearance_of(images)
        return Appearance(values.min(0), values.max(0), len(images))

    def outside(self, images: Tensor) -> Floats:
        """How far images, uint8 `(N, C, H, W)`, lie outside, in widths of the ranges: the sum, `(N,)`."""
        values = appearance_of(images)
        beyond = np.maximum(np.maximum(self.low - values, values - self.high), 0)
        sums: Floats = np.add.reduce(beyond / self._widths, axis=1)
        return sums

    @cached_property
    def _widths(self) -> Floats:
        widths: Floats = np.maximum(self.high - self.low, _AT_LEAST)
        return widths

    def differences(self, images: Tensor) -> list[tuple[str, ...]]:
        """What of each image, uint8 `(N, C, H, W)`, lies plainly outside; empty where nothing does."""
        pairs = zip(appearance_of(images), appearance_of(255 - images), strict=True)
        return [self._differences(values, inverted) for values, inverted in pairs]

    def _differences(self, values: Floats, inverted: Floats) -> tuple[str, ...]:
        outside = self._is_outside(values)
        if outside & {"brightness", "border"} and not self._is_outside(inverted):
            return ("inverted",)
        said = []
        for place, (name, (less, more)) in enumerate(_SAID.items()):
            if name not in outside:
                continue
            if name == "colour" and float(values[place]) < _GREY:
                said.append("grey")
            elif name == "colour" and float(self.high[place]) < _GREY:
                said.append("coloured")
            else:
                said.append(less if values[place] < self.low[place] else more)
        return tuple(said)

    def _is_outside(self, values: Floats) -> set[str]:
        outside = (values < self.low - _AT_LEAST) | (values > self.high + _AT_LEAST)
        return {name for name, is_outside in zip(VALUES, outside.tolist(), strict=True) if is_outside}


def appearance_of(images: Tensor) -> Floats:
    """`VALUES` of images, uint8 `(N, C, H, W)`: float32 `(N, 5)`.

    In numpy, which takes half of torch's time for one small image.
    """
    apart = -(-max(images.shape[-2:]) // _SIDE)
    pixels = np.multiply(images[:, :, ::apart, ::apart].cpu().numpy(), 1 / 255, dtype=np.float32)
    grey = pixels[:, 0] if pixels.shape[1] == 1 else pixels.mean(1)  # (N, H, W)
    brightness = _mean(grey)
    contrast = np.sqrt(np.maximum(_mean(grey * grey) - brightness * brightness, 0))
    steps = (grey[:, 1:] - grey[:, :-1], grey[:, :, 1:] - grey[:, :, :-1])
    fineness = (_mean(np.abs(steps[0])) + _mean(np.abs(steps[1]))) / 2
    colour = np.zeros_like(brightness)
    if pixels.shape[1] > 1:
        colour = _mean(pixels.max(1) - pixels.min(1))
    _, height, width = grey.shape
    border = (_mean(grey[:, :: max(1, height - 1)]) + _mean(grey[:, :, :: max(1, width - 1)])) / 2
    return np.array([brightness, contrast, fineness, colour, border]).T


def _mean(values: NDArray[Any]) -> Floats:
    """Of `(N, H, W)`, over each image: `(N,)`, which does not depend on the others; nought over nothing."""
    means: Floats = np.add.reduce(values, axis=(1, 2)) / max(1, values.shape[1] * values.shape[2])
    return means
