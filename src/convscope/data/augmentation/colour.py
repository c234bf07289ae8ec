"""Brightness, contrast, saturation and hue, composed into one linear map of colours; blur and noise."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convscope.data.augmentation.draws import uniform
from convscope.data.augmentation.operations import (
    Blur,
    Brightness,
    Contrast,
    Hue,
    Noise,
    Operation,
    Saturation,
    find,
)

_LUMA = torch.tensor([0.299, 0.587, 0.114])
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


def draw_colour_maps(
    operations: Sequence[Operation], count: int, channels: int, generator: torch.Generator
) -> tuple[Tensor, Tensor] | None:
    """For each image a map of colours: `new = matrix @ old + spread @ mean`, with the image's mean colour.

    Operations follow each other as if nothing were cut off at black and white in between.

    Returns:
        `(N, C, C)` matrix and `(N, C, C)` spread, both float32; or None when no operation changes colours.
        Saturation and hue leave images alone that do not have three channels.
    """
    changes = [item for item in operations if isinstance(item, _COLOUR)]
    if not changes:
        return None
    identity = torch.eye(channels).repeat(count, 1, 1)
    grey = (_LUMA if channels == 3 else torch.full((channels,), 1 / channels)).expand(channels, channels)
    matrix, spread = identity, torch.zeros(count, channels, channels)
    for change in changes:
        match change:
            case Brightness(strength):
                factor = uniform(generator, count, 1 - strength, 1 + strength)[:, None, None]
                matrix, spread = factor * matrix, factor * spread
            case Contrast(strength):
                factor = uniform(generator, count, 1 - strength, 1 + strength)[:, None, None]
                # The mean grey to keep is that of the colours so far: grey @ (matrix + spread) @ mean.
                spread = factor * spread + (1 - factor) * (grey @ (matrix + spread))
                matrix = factor * matrix
            case Saturation(strength):
                factor = uniform(generator, count, 1 - strength, 1 + strength)[:, None, None]
                if channels == 3:
                    change_map = factor * identity + (1 - factor) * grey
                    matrix, spread = change_map @ matrix, change_map @ spread
            case Hue(turn):
                angle = uniform(generator, count, -2 * math.pi * turn, 2 * math.pi * turn)
                if channels == 3:
                    change_map = _hue_map(angle)
                    matrix, spread = change_map @ matrix, change_map @ spread
    return matrix, spread


def change_colours(images: Tensor, matrix: Tensor, spread: Tensor) -> Tensor:
    """Images `(N, C, H, W)` in 0..1 with their colours mapped, kept within 0..1."""
    flat = images.flatten(2)
    offset = spread @ flat.mean(2, keepdim=True)
    return torch.baddbmm(offset, matrix, flat).clamp_(0, 1).view(images.shape)


def draw_blur(operations: Sequence[Operation], count: int, generator: torch.Generator) -> Tensor | None:
    """`(N, K)` kernels of Gaussian weights that sum to 1, or None without blur."""
    blur = find(operations, Blur)
    if blur is None:
        return None
    sigma = uniform(generator, count, 0, blur.pixels).clamp(min=1e-3)
    reach = math.ceil(3 * blur.pixels)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma[:, None]) ** 2)
    return weights / weights.sum(1, keepdim=True)


def blur_images(images: Tensor, kernels: Tensor) -> Tensor:
    """Images `(N, C, H, W)` convolved with their kernels along both axes; edges are repeated outwards."""
    count, channels, height, width = images.shape
    if count * channels == 1:  # a single group is convolved in another order: its last bits would differ
        return blur_images(images.expand(2, -1, -1, -1), kernels.expand(2, -1))[:1]
    reach = kernels.shape[1] // 2
    weights = kernels.repeat_interleave(channels, 0)[:, None, None]  # (N * C, 1, 1, K)
    flat = nn.functional.pad(images, (reach,) * 4, mode="replicate").reshape(
        1, count * channels, height + 2 * reach, width + 2 * reach
    )
    along_rows = nn.functional.conv2d(flat, weights, groups=count * channels)
    both = nn.functional.conv2d(along_rows, weights.transpose(2, 3), groups=count * channels)
    return both.view(images.shape)


def draw_noise(
    operations: Sequence[Operation], shape: tuple[int, ...], generator: torch.Generator
) -> Tensor | None:
    """Noise `(N, C, H, W)` to add, each image with its own strength; or None without noise."""
    noise = find(operations, Noise)
    if noise is None:
        return None
    strength = uniform(generator, shape[0], 0, noise.strength).view(-1, 1, 1, 1)
    return torch.randn(shape, generator=generator) * strength


_COLOUR = (Brightness, Contrast, Saturation, Hue)

_FROM_RGB = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
"""Grey and two colour differences (YIQ, as in NTSC television): turning the two turns the hue."""


def _hue_map(angle: Tensor) -> Tensor:
    """`(N, 3, 3)` maps that turn the colour circle by these angles in radians and leave grey as it is."""
    turn = torch.zeros(len(angle), 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = angle.sin(), -angle.sin()  # red goes towards green
    back: Tensor = torch.linalg.inv(_FROM_RGB)
    return back @ turn @ _FROM_RGB
