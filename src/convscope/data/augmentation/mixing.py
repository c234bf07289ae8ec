"""Random erasing, mixup and cutmix: rectangles, and images that share their place with another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convscope.data.augmentation.draws import chance, uniform
from convscope.data.augmentation.operations import Cutmix, Erase, Mixup, Operation, find


@dataclass(frozen=True)
class Mixture:
    """How each image of a batch is mixed with a partner."""

    partner: Tensor
    """`(N,)` int64: the other image."""

    weight: Tensor
    """`(N, 1, H, W)` float32: the image's own share at each pixel."""


def draw_rectangles(
    operations: Sequence[Operation], count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor | None:
    """`(N, 1, H, W)` bool, true where an image is erased; or None without erasing."""
    erase = find(operations, Erase)
    if erase is None:
        return None
    erased = chance(generator, count, erase.probability)
    area = uniform(generator, count, 0.02, 0.25)
    aspect = uniform(generator, count, math.log(0.3), math.log(3.3)).exp()
    height = (area * aspect).sqrt().clamp(max=1) * size[0]
    width = (area / aspect).sqrt().clamp(max=1) * size[1]
    # The corner is drawn so that the rectangle lies inside the image.
    top = torch.rand(count, generator=generator) * (size[0] - height)
    left = torch.rand(count, generator=generator) * (size[1] - width)
    return _rectangle(top, left, height, width, size) & erased.view(-1, 1, 1, 1)


def erase_rectangles(images: Tensor, erased: Tensor) -> Tensor:
    """Images `(N, C, H, W)` with the erased places in the image's mean colour."""
    return torch.where(erased, images.mean((2, 3), keepdim=True), images)


def draw_mixture(
    operations: Sequence[Operation], count: int, size: tuple[int, int], generator: torch.Generator
) -> Mixture | None:
    """Who is mixed with whom and how much, or None without mixup and cutmix."""
    mixup = find(operations, Mixup)
    cutmix = find(operations, Cutmix)
    if mixup is None and cutmix is None:
        return None
    # One step round a random circle: nobody is mixed with itself.
    circle = torch.randperm(count, generator=generator)
    partner = torch.empty_like(circle)
    partner[circle] = circle.roll(1)
    blended = cut = torch.ones(count, 1, *size)
    if mixup is not None:
        blended = _beta(generator, count, mixup.alpha).view(-1, 1, 1, 1).expand(-1, 1, *size)
    if cutmix is not None:
        cut = _cut_weight(generator, count, cutmix.alpha, size)
    if mixup is None or cutmix is None:
        return Mixture(partner, cut if mixup is None else blended)
    return Mixture(partner, torch.where(chance(generator, count, 0.5).view(-1, 1, 1, 1), blended, cut))


def mix(
    images: Tensor, targets: Tensor, *, partner: Tensor, weight: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """The first N of M images and of their targets, each mixed with its partner's.

    Args:
        images: `(M, C, H, W)` float32.
        targets: `(M, num_classes)` float32 shares, or `(M,)` float numbers to predict.
        partner: `(N,)` int64, which of the M images each is mixed with.
        weight: `(N, 1, H, W)`, the image's own share at each pixel.
        share: `(N,)`, its mean over the pixels.

    Returns:
        N images and N targets; rows of shares sum to 1.
    """
    count = len(partner)
    share = share.to(targets.dtype).view(count, *(1,) * (targets.ndim - 1))
    return (
        torch.lerp(images[partner], images[:count], weight),
        torch.lerp(targets[partner], targets[:count], share),
    )


def _beta(generator: torch.Generator, count: int, alpha: float) -> Tensor:
    """`(count,)` float32 from Beta(alpha, alpha), by inverting its distribution function."""
    from scipy.special import betaincinv  # takes a while, and most augmentations mix nothing

    evenly = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
    return torch.from_numpy(np.asarray(betaincinv(alpha, alpha, evenly), dtype=np.float32))


def _cut_weight(generator: torch.Generator, count: int, alpha: float, size: tuple[int, int]) -> Tensor:
    """`(N, 1, H, W)`: 0 in a rectangle around a random centre, cut at the image's edge; 1 elsewhere."""
    side = (1 - _beta(generator, count, alpha)).sqrt()
    height, width = side * size[0], side * size[1]
    top = torch.rand(count, generator=generator) * size[0] - height / 2
    left = torch.rand(count, generator=generator) * size[1] - width / 2
    return 1 - _rectangle(top, left, height, width, size).float()


def _rectangle(top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: tuple[int, int]) -> Tensor:
    """`(N, 1, H, W)` bool: pixels whose centre lies inside."""
    rows, columns = torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5
    inside_rows = (rows >= top[:, None]) & (rows < (top + height)[:, None])
    inside_columns = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    return (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
