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

    def differences(self, image: Tensor) -> tuple[str, ...]:
        """What of an image, uint8 `(C, H, W)`, lies plainly outside; empty where nothing does."""
        values = appearance_of(image[None])[0]
        if self._is_outside(values) & {"brightness", "border"} and not self._is_outside(
            appearance_of(255 - image[None])[0]
        ):
            return ("inverted",)
        said = []
        for place, (name, (less, more)) in enumerate(_SAID.items()):
            if name not in self._is_outside(values):
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
    pixels = images[:, :, ::apart, ::apart].float() / 255
    grey = pixels.mean(1)  # (N, H, W)
    border = torch.cat([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], dim=1)
    steps = torch.cat([grey.diff(dim=1).abs().flatten(1), grey.diff(dim=2).abs().flatten(1)], dim=1)
    brightness = grey.mean((1, 2))
    colour = (pixels.amax(1) - pixels.amin(1)).mean((1, 2))
    fineness = steps.mean(1) if steps.shape[1] else torch.zeros_like(brightness)
    contrast = grey.flatten(1).std(1, correction=0)
    return torch.stack([brightness, contrast, fineness, colour, border.mean(1)], dim=1)
