"""What can be seen without a network: in which plain ways an image differs from the training images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

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

    low: Tensor
    high: Tensor
    n: int

    @staticmethod
    def of(images: Tensor) -> Appearance:
        """From training images, uint8 `(N, C, H, W)`, at least one."""
        values = appearance_of(images)
        return Appearance(values.amin(0), values.amax(0), len(images))

    def outside(self, images: Tensor) -> Tensor:
        """How far images, uint8 `(N, C, H, W)`, lie outside, in widths of the ranges: the sum, `(N,)`."""
        values = appearance_of(images)
        low, high = self.low.to(values.device), self.high.to(values.device)
        beyond = torch.maximum(low - values, values - high).clamp_(min=0)
        return (beyond / (high - low).clamp(min=_AT_LEAST)).sum(1)

    def differences(self, images: Tensor) -> list[tuple[str, ...]]:
        """What of each image, uint8 `(N, C, H, W)`, lies plainly outside; empty where nothing does."""
        pairs = zip(appearance_of(images), appearance_of(255 - images), strict=True)
        return [self._differences(values, inverted) for values, inverted in pairs]

    def _differences(self, values: Tensor, inverted: Tensor) -> tuple[str, ...]:
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

    def _is_outside(self, values: Tensor) -> set[str]:
        outside = (values < self.low - _AT_LEAST) | (values > self.high + _AT_LEAST)
        return {name for name, is_outside in zip(VALUES, outside.tolist(), strict=True) if is_outside}


def appearance_of(images: Tensor) -> Tensor:
    """`VALUES` of images, uint8 `(N, C, H, W)`: float32 `(N, 5)`."""
    apart = -(-max(images.shape[-2:]) // _SIDE)
    pixels = images[:, :, ::apart, ::apart].float().div_(255)
    grey = pixels[:, 0] if pixels.shape[1] == 1 else pixels.mean(1)  # (N, H, W)
    brightness = grey.mean((1, 2))
    contrast = grey.square().mean((1, 2)).sub_(brightness.square()).clamp_(min=0).sqrt_()
    steps = [_mean_step(grey, axis) for axis in (1, 2)]
    colour = torch.zeros_like(brightness)
    if pixels.shape[1] > 1:
        colour = (pixels.amax(1) - pixels.amin(1)).mean((1, 2))
    _, height, width = grey.shape
    edges = (grey[:, :: max(1, height - 1)], grey[:, :, :: max(1, width - 1)])
    border = (edges[0].mean((1, 2)) + edges[1].mean((1, 2))) / 2
    return torch.stack([brightness, contrast, (steps[0] + steps[1]) / 2, colour, border], dim=1)


def _mean_step(grey: Tensor, axis: int) -> Tensor:
    """Of `(N, H, W)`, how much neighbours differ along an axis: `(N,)`."""
    if grey.shape[axis] == 1:
        return torch.zeros(len(grey), device=grey.device)
    return grey.diff(dim=axis).abs_().mean((1, 2))
