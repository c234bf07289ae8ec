"""Moves that copy pixels exactly: flips, quarter turns, pad-and-crop. One gather on uint8 for all of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from convscope.data.augmentation.draws import chance
from convscope.data.augmentation.operations import (
    EdgePadding,
    FlipHorizontal,
    FlipVertical,
    Operation,
    PadAndCrop,
    QuarterTurns,
)


def draw_moves(
    operations: Sequence[Operation], count: int, size: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, ...] | None:
    """For each row and column of each new image, the row and column of the old one that it is copied from.

    Args:
        operations: those that are no pixel moves are passed over.
        count: images in the batch.
        size: height and width of each image.
        generator: source of the draws.

    Returns:
        Rows `(N, H)` int64 and columns `(N, W)` int64; with quarter turns of square images also `(N,)` bool:
        where true, the two axes are swapped besides. None when there is nothing to move.
    """
    height, width = size
    rows, columns = torch.arange(height).expand(count, -1), torch.arange(width).expand(count, -1)
    swapped: tuple[Tensor, ...] = ()
    repeat_edge = any(isinstance(item, EdgePadding) for item in operations)
    moves = [item for item in operations if isinstance(item, _PIXEL_MOVES)]
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
    return (rows, columns, *swapped) if moves else None


def copy_pixels(images: Tensor, rows: Tensor, columns: Tensor, swapped: Tensor | None = None) -> Tensor:
    """New images `(N, C, H, W)` whose pixels come from where `draw_moves` says."""
    count, channels, height, width = images.shape
    index = rows[:, :, None] * width + columns[:, None, :]  # (N, H, W) into the flattened old image
    if swapped is not None:
        turned = columns[:, None, :] * width + rows[:, :, None]
        index = torch.where(swapped[:, None, None], turned, index)
    index = index.flatten(1)[:, None].expand(-1, channels, -1)
    return images.reshape(count, channels, height * width).gather(2, index).view(images.shape)


_PIXEL_MOVES = (FlipHorizontal, FlipVertical, QuarterTurns, PadAndCrop)


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
