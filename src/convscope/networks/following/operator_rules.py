"""What each tensor operator does to the place of its input: slide over it, gather it, keep it or lose it.

Each rule takes the operator's arguments, the place of the one that sees the image, and the result's shape.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from convscope.networks.following.axis_fields import Lost, Place, united

Shape = tuple[int, ...]
Rule = Callable[[tuple[Any, ...], Place, Shape], Place | Lost]

_aten = torch.ops.aten


def place_after(operator: Any, args: tuple[Any, ...], places: list[Place], shape: Shape) -> Place | Lost:
    """Where the result of an operator looks, of which all `places` are arguments."""
    packet = operator.overloadpacket
    if all(place.axes is None for place in places):
        return united(places, shape)
    if torch.Tag.pointwise in operator.tags or packet in _KEEPING:
        return united(places, shape)
    rule = _RULES.get(packet)
    if rule is None or len(places) > 1:
        return Lost(f"the operator {packet} does not keep the image's rows and columns")
    return rule(args, places[0], shape)


def axes_after(
    operator: Any, args: tuple[Any, ...], sources: Sequence[Place | Lost]
) -> tuple[int, int] | None:
    """Which axes of an operator's result are rows and columns, where it is not known what its units see.

    Attention loses the image, and a sum with what goes around it, or a convolution, tells its axes again.
    """
    packet = operator.overloadpacket
    if packet in _OVER_LAST_TWO:
        return (-2, -1)
    known = {source.axes for source in sources if source.axes is not None}
    axes = next(iter(known)) if len(known) == 1 else None
    if axes is None or torch.Tag.pointwise in operator.tags or packet in _KEEPING | _NORMALISING:
        return axes
    return _moved(axes, _order(packet, args)) if packet in _REORDERING else None


def _convolution(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    _, weight, _, stride, padding, dilation, transposed = args[:7]
    if transposed or place.axes != (-2, -1):
        return Lost("a transposed convolution" if transposed else "a convolution over other axes")
    return place.windowed(shape, *map(_pair, (weight.shape[-2:], stride, padding, dilation)))


def _max_pool(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    kernel_size, *rest = args[1:5]
    stride, padding, dilation = rest + [kernel_size, 0, 1][len(rest) :]
    return _pool(place, shape, kernel_size, stride, padding, dilation)


def _average_pool(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    kernel_size, *rest = args[1:4]
    stride, padding = rest + [kernel_size, 0][len(rest) :]
    return _pool(place, shape, kernel_size, stride, padding, 1)


def _pool(
    place: Place, shape: Shape, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> Place | Lost:
    if place.axes != (-2, -1):
        return Lost("a pooling over other axes")
    return place.windowed(shape, *map(_pair, (kernel_size, stride or kernel_size, padding, dilation)))


def _adaptive_pool(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    before, after = place.shape[-2:], shape[-2:]
    if place.axes != (-2, -1) or any(units % kept for units, kept in zip(before, after, strict=True)):
        return Lost(f"an adaptive pooling from {_times(before)} to {_times(after)} units has uneven windows")
    window = (before[0] // after[0], before[1] // after[1])
    return place.windowed(shape, window, window)


def _pad(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    if place.axes != (-2, -1):
        return Lost("a padding of other axes")
    left, _, top, _ = (*args[1], 0, 0, 0, 0)[:4]
    return place.windowed(shape, (1, 1), (1, 1), (top, left))


def _batch_norm(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    training = args[5]  # the statistics are the batch's own: instance normalisation uses it so
    return place.gathered(shape, place.axes) if training else united([place], shape)


def _layer_norm(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    normalised = range(-len(args[1]), 0)
    over_places = any(axis in normalised for axis in place.axes or ())
    return place.gathered(shape, place.axes) if over_places else united([place], shape)


def _group_norm(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    return place.gathered(shape, place.axes)


def _reduction(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    rank = len(place.shape)
    axes = args[1] if len(args) > 1 and args[1] else range(rank)
    reduced = {axis % rank - rank for axis in ([axes] if isinstance(axes, int) else axes)}
    kept = [axis for axis in place.axes or () if axis not in reduced]
    if not kept:
        return place.gathered(shape, None)
    keeps_rank = len(shape) == rank
    if len(kept) == 2 and (keeps_rank or max(reduced) < min(kept)):
        return replace(place, shape=shape)
    return Lost("rows and columns are summed apart")


def _view(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
    if len(shape) <= 2 and shape[0] == place.shape[0]:  # flattened: the next layer looks at all units at once
        return place.gathered(shape, None)
    first = min(place.axes or (-1,))
    if shape[first:] == place.shape[first:]:
        return replace(place, shape=shape)
    return Lost(f"a map of {_times(place.shape)} is rearranged into {_times(shape)}")


def _reorder(packet: Any) -> Rule:
    def rule(args: tuple[Any, ...], place: Place, shape: Shape) -> Place | Lost:
        return replace(place, shape=shape, axes=_moved(place.axes or (-2, -1), _order(packet, args)))

    return rule


def _order(packet: Any, args: tuple[Any, ...]) -> list[int]:
    """For each axis of the result, which one it was."""
    rank = args[0].ndim
    if packet is _aten.permute:
        return [axis % rank for axis in args[1]]
    order = list(range(rank))
    first, second = args[1] % rank, args[2] % rank
    order[first], order[second] = second, first
    return order


def _moved(axes: tuple[int, int], order: Sequence[int]) -> tuple[int, int]:
    rank = len(order)
    return order.index(axes[0] + rank) - rank, order.index(axes[1] + rank) - rank


def _pair(value: Any) -> tuple[int, int]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return (values[0], values[-1])


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


_KEEPING = {
    _aten.clone, _aten.detach, _aten.alias, _aten._to_copy, _aten.expand, _aten.native_dropout,
    _aten.cat, _aten.split, _aten.split_with_sizes, _aten.slice, _aten._native_batch_norm_legit_no_training,
    _aten.hardswish, _aten.hardswish_,
}  # fmt: skip
"""Unit by unit, though not marked so; where one cuts or joins rows the shape changes, and it is lost."""

_REORDERING = (_aten.permute, _aten.transpose)

_NORMALISING = {
    _aten.native_batch_norm, _aten.cudnn_batch_norm, _aten.native_layer_norm, _aten.native_group_norm,
}  # fmt: skip

_OVER_LAST_TWO = {
    _aten.convolution, _aten.max_pool2d_with_indices, _aten.avg_pool2d, _aten._adaptive_avg_pool2d,
    _aten.adaptive_max_pool2d, _aten.upsample_nearest2d, _aten.upsample_bilinear2d, _aten.upsample_bicubic2d,
}  # fmt: skip
"""Whatever comes in, they take its last two axes for rows and columns."""

_RULES: dict[Any, Rule] = {
    _aten.convolution: _convolution,
    _aten.max_pool2d_with_indices: _max_pool,
    _aten.avg_pool2d: _average_pool,
    _aten._adaptive_avg_pool2d: _adaptive_pool,
    _aten.adaptive_max_pool2d: _adaptive_pool,
    _aten.constant_pad_nd: _pad,
    _aten.native_batch_norm: _batch_norm,
    _aten.cudnn_batch_norm: _batch_norm,
    _aten.native_layer_norm: _layer_norm,
    _aten.native_group_norm: _group_norm,
    _aten.mean: _reduction,
    _aten.sum: _reduction,
    _aten.amax: _reduction,
    _aten.view: _view,
    _aten._unsafe_view: _view,
    **{packet: _reorder(packet) for packet in _REORDERING},
}
