"""Flips, shift, rotation, zoom and perspective, composed into one map per image and sampled once."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convscope.data.augmentation.draws import chance, uniform
from convscope.data.augmentation.operations import (
    FlipHorizontal,
    FlipVertical,
    Operation,
    Perspective,
    Rotate,
    Shift,
    Zoom,
)


def resamples(operations: Sequence[Operation]) -> bool:
    """Whether an operation moves images by other than whole pixels. Flips are then cheapest in its map."""
    return any(isinstance(item, Shift | Rotate | Zoom | Perspective) for item in operations)


def draw_maps(
    operations: Sequence[Operation], count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor | None:
    """For each image the projective map from a place in the new image to the place in the old one.

    Places are `(x, y, 1)` with x and y from -1 to 1 across the image.

    Returns:
        `(N, 3, 3)` float32, or None when no operation moves anything.
    """
    moves = [item for item in operations if isinstance(item, _GEOMETRY)]
    maps = torch.eye(3).repeat(count, 1, 1)
    for move in moves:
        maps = maps @ _draw_map(move, count, size, generator)
    return maps if moves else None


def sample(images: Tensor, maps: Tensor, *, repeat_edge: bool) -> Tensor:
    """Images seen through their maps: bilinear; beyond the edge mirrored once, so that no border shows.

    Args:
        images: `(N, C, H, W)` float32.
        maps: `(N, 3, 3)` as `draw_maps` returns them, on the images' device.
        repeat_edge: beyond the edge, repeat its pixels instead.
    """
    height, width = images.shape[-2:]
    x = _pixel_centres(width, images.device)
    y = _pixel_centres(height, images.device)
    # Each row of a map is a plane over the image: a term in x, a term in y, and a constant.
    planes = maps[:, :, 0, None, None] * x + (maps[:, :, 1, None] * y + maps[:, :, 2, None])[..., None]
    grid = planes[:, :2]  # (N, 2, H, W)
    if bool((maps[:, 2, :2] != 0).any()):
        grid = grid / planes[:, 2:]
    if not repeat_edge:
        # Mirrored at -1 and 1 here, in half the time that grid_sample's own mirroring takes.
        grid = 2 * grid.clamp(-1, 1) - grid
    return nn.functional.grid_sample(
        images, grid.permute(0, 2, 3, 1), mode="bilinear", padding_mode="border", align_corners=False
    )


_GEOMETRY = (FlipHorizontal, FlipVertical, Shift, Rotate, Zoom, Perspective)


def _draw_map(
    operation: FlipHorizontal | FlipVertical | Shift | Rotate | Zoom | Perspective,
    count: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    maps = torch.eye(3).repeat(count, 1, 1)
    match operation:
        case FlipHorizontal(probability):
            maps[chance(generator, count, probability), 0, 0] = -1
        case FlipVertical(probability):
            maps[chance(generator, count, probability), 1, 1] = -1
        case Shift(fraction):
            maps[:, 0, 2] = uniform(generator, count, -2 * fraction, 2 * fraction)
            maps[:, 1, 2] = uniform(generator, count, -2 * fraction, 2 * fraction)
        case Rotate(degrees):
            angle = uniform(generator, count, -math.radians(degrees), math.radians(degrees))
            height, width = size
            maps[:, 0, 0] = maps[:, 1, 1] = angle.cos()
            # Where width and height differ, -1..1 is not equally long in x and y; the ratio makes it a turn.
            maps[:, 0, 1] = -angle.sin() * height / width
            maps[:, 1, 0] = angle.sin() * width / height
        case Zoom(strength):
            limit = math.log1p(strength)
            scale = uniform(generator, count, -limit, limit).exp()
            maps[:, 0, 0] = maps[:, 1, 1] = scale
        case Perspective(strength):
            maps[:, 2, 0] = uniform(generator, count, -strength, strength)
            maps[:, 2, 1] = uniform(generator, count, -strength, strength)
    return maps


def _pixel_centres(size: int, device: torch.device) -> Tensor:
    return (torch.arange(size, device=device, dtype=torch.float32) * 2 + 1) / size - 1
