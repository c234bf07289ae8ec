"""Where each pixel of a new image comes from: copied exactly where that is possible, else sampled once.

Flips, quarter turns and pad-and-crop are one gather on uint8. Shift, rotation, zoom and perspective are
composed into one map per image; flips beside them join that map, where they cost nothing.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convscope.data.augmentation.draws import chance, uniform
from convscope.data.augmentation.operations import (
    FlipHorizontal,
    FlipVertical,
    Operation,
    PadAndCrop,
    Perspective,
    QuarterTurns,
    Rotate,
    Shift,
    Zoom,
)


def copied_and_sampled(operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """The operations that copy pixels, and those that sample between them; others are left out."""
    if not any(isinstance(item, _BETWEEN_PIXELS) for item in operations):
        return [item for item in operations if isinstance(item, _FLIPS + _WHOLE_PIXELS)], []
    return (
        [item for item in operations if isinstance(item, _WHOLE_PIXELS)],
        [item for item in operations if isinstance(item, _FLIPS + _BETWEEN_PIXELS)],
    )


def draw_moves(
    moves: Sequence[Operation],
    count: int,
    size: tuple[int, int],
    generator: torch.Generator,
    *,
    repeat_edge: bool,
) -> tuple[Tensor, ...]:
    """For each row and column of each new image, the row and column of the old one that it is copied from.

    Args:
        moves: operations that copy pixels, in order.
        count: images in the batch.
        size: height and width of each image.
        generator: source of the draws.
        repeat_edge: what lies beyond the edge is its pixel, not the image mirrored.

    Returns:
        Rows `(N, H)` int64 and columns `(N, W)` int64; with quarter turns of square images also `(N,)` bool:
        where true, the two axes are swapped besides.
    """
    height, width = size
    rows, columns = torch.arange(height).expand(count, -1), torch.arange(width).expand(count, -1)
    swapped: tuple[Tensor, ...] = ()
    for move in moves:
        match move:
            case FlipHorizontal(probability):
                columns = _reversed_where(chance(generator, count, probability), columns, width)
            case FlipVertical(probability):
                rows = _reversed_where(chance(generator, count, probability), rows, height)
            case QuarterTurns(probability):
                turns = _draw_turns(generator, count, probability, square=height == width)
                # Turning is mirroring one or both axes, and for odd turns swapping them (done last).
                rows = _reversed_where((turns == 1) | (turns == 2), rows, height)
                columns = _reversed_where((turns == 2) | (turns == 3), columns, width)
                swapped = (turns % 2 == 1,) if height == width else ()
            case PadAndCrop(pixels):
                rows = _moved(rows, _offsets(generator, count, pixels), repeat_edge)
                columns = _moved(columns, _offsets(generator, count, pixels), repeat_edge)
    return (rows, columns, *swapped)


def copy_pixels(images: Tensor, rows: Tensor, columns: Tensor, swapped: Tensor | None = None) -> Tensor:
    """New images `(N, C, H, W)` whose pixels come from where `draw_moves` says."""
    count, channels, height, width = images.shape
    index = rows[:, :, None] * width + columns[:, None, :]  # (N, H, W) into the flattened old image
    if swapped is not None:
        turned = columns[:, None, :] * width + rows[:, :, None]
        index = torch.where(swapped[:, None, None], turned, index)
    index = index.flatten(1)[:, None].expand(-1, channels, -1)
    return images.reshape(count, channels, height * width).gather(2, index).view(images.shape)


def draw_maps(
    moves: Sequence[Operation], count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """For each image the map from a place in the new image to the place in the old one: `(N, 3, 3)` float32.

    Maps are projective; places are `(x, y, 1)` with x and y from -1 to 1 across the image.
    """
    maps = torch.eye(3).repeat(count, 1, 1)
    for move in moves:
        maps = maps @ _draw_map(move, count, size, generator)
    return maps


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


_FLIPS = (FlipHorizontal, FlipVertical)
_WHOLE_PIXELS = (QuarterTurns, PadAndCrop)
_BETWEEN_PIXELS = (Shift, Rotate, Zoom, Perspective)


def _reversed_where(mirrored: Tensor, positions: Tensor, size: int) -> Tensor:
    return torch.where(mirrored[:, None], size - 1 - positions, positions)


def _draw_turns(generator: torch.Generator, count: int, probability: float, *, square: bool) -> Tensor:
    turned = chance(generator, count, probability)
    turns = torch.randint(1, 4, (count,), generator=generator)
    return torch.where(turned, turns if square else torch.full_like(turns, 2), 0)


def _offsets(generator: torch.Generator, count: int, pixels: int) -> Tensor:
    return torch.randint(-pixels, pixels + 1, (count,), generator=generator)


def _moved(positions: Tensor, offsets: Tensor, repeat_edge: bool) -> Tensor:
    """Positions seen after a move; beyond the edge they stay there, or run back (reflection)."""
    last = positions.shape[1] - 1
    wanted = torch.arange(last + 1) + offsets[:, None]
    if repeat_edge or last == 0:
        return positions.gather(1, wanted.clamp(0, last))
    wanted = wanted.remainder(2 * last)
    return positions.gather(1, torch.minimum(wanted, 2 * last - wanted))


def _draw_map(operation: Operation, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
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
