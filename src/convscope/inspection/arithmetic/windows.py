"""What a convolution, a fully connected layer and a pooling read for one of their values."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.inspection.arithmetic.operators import OF_ANY_AXES
from convscope.inspection.arithmetic.steps import Floats, Place, Pooled, WeightedSum, Window
from convscope.inspection.arithmetic.trace import Node, Trace

_aten = torch.ops.aten


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A window over the rows and columns of a map.

    Attributes:
        top, left: its first row and column in the map that a reader sees; negative in the padding.
        size: (h, w).
        spread: rows and columns from one input to the next.
        inside: (h, w), whether an input lies in the map.
        inputs: (C, h, w), 0 in the padding.
    """

    top: int
    left: int
    size: tuple[int, int]
    spread: tuple[int, int]
    inside: NDArray[np.bool_]
    inputs: Tensor

    def holds(self, row: int, column: int) -> bool:
        """Whether a place of the map is read."""
        down, across = row - self.top, column - self.left
        on_grid = down % self.spread[0] == 0 and across % self.spread[1] == 0
        steps = (down // self.spread[0], across // self.spread[1])
        return on_grid and all(0 <= step < side for step, side in zip(steps, self.size, strict=True))


def weighted_sum(
    trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None
) -> WeightedSum:
    """The step of a convolution or of a fully connected layer."""
    if node.kind == "convolution":
        return _of_convolution(trace, node, place, common, most)
    return _of_linear(trace, node, place, common, most)


def _of_convolution(
    trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None
) -> WeightedSum:
    weight, bias, stride, padding, dilation = node.args[1:6]
    groups = node.args[8]
    unit, row, column = place
    kernel = tuple(weight.shape[2:])
    read = weight.shape[1]
    first = unit // (weight.shape[0] // groups) * read
    reading = _reading(
        trace,
        node,
        slice(first, first + read),
        (row * stride[0] - padding[0], column * _last(stride) - _last(padding)),
        (kernel[0], kernel[1]),
        (dilation[0], _last(dilation)),
    )
    return _chosen(
        _array(reading.inputs),
        _array(weight[unit]),
        first,
        most,
        {
            **common,
            "bias": 0.0 if bias is None else number(bias[unit]),
            "has_bias": bias is not None,
            "top": reading.top,
            "left": reading.left,
            "spread": reading.spread,
            "inside": reading.inside,
        },
    )


def _of_linear(
    trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None
) -> WeightedSum:
    bias, weight = (node.args[0], node.args[2]) if node.operator is _aten.addmm else (None, node.args[1])
    shape = map_before(trace, node)
    return _chosen(
        _array(trace.nodes[node.sources[0]].values[0]).reshape(shape),
        _array(weight[:, place[0]]).reshape(shape),
        0,
        most,
        {
            **common,
            "bias": 0.0 if bias is None else number(bias[place[0]]),
            "has_bias": bias is not None,
            "inside": np.ones(shape[1:], dtype=bool),
        },
    )


def map_before(trace: Trace, node: Node) -> tuple[int, int, int]:
    """The shape of what a fully connected layer reads, as it was before it was flattened."""
    values = trace.nodes[trace.visible(node.sources[0])].values
    units, height, width = values.shape[1:] if values.ndim == 4 else (values.shape[1], 1, 1)
    return units, height, width


def _chosen(
    inputs: Floats, weights: Floats, first: int, most: int | None, known: dict[str, Any]
) -> WeightedSum:
    """The windows that move the sum most, and the others summed; inputs and weights are (C, h, w)."""
    products = np.multiply(inputs, weights, dtype=np.float64)
    sums = products.sum(axis=(1, 2))
    order = np.argsort(-np.abs(sums), kind="stable")
    shown, others = (
        order[: len(order) if most is None else most],
        order[len(order) if most is None else most :],
    )
    return WeightedSum(
        **known,
        windows=tuple(
            Window(unit=first + int(place), inputs=inputs[place], weights=weights[place]) for place in shown
        ),
        rest=float(sums[others].sum()),
        rest_size=float(np.abs(products[others]).sum()),
        units=len(order),
    )


def pooled(trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None) -> Pooled:
    """The step of a pooling."""
    reading = pool_reading(trace, node, place)
    how = "max" if node.operator in _LARGEST else "mean"
    whole = node.operator is _aten.avg_pool2d and (len(node.args) < 6 or node.args[5])
    divisor = math.prod(reading.size) if whole else int(reading.inside.sum())
    if node.operator is _aten.avg_pool2d and len(node.args) > 6 and node.args[6]:
        divisor = node.args[6]
    return Pooled(
        **common,
        how=how,
        inputs=_array(reading.inputs[0]),
        inside=reading.inside,
        top=reading.top,
        left=reading.left,
        spread=reading.spread,
        divisor=float(divisor),
    )


def pool_reading(trace: Trace, node: Node, place: Place) -> Reading:
    """The window of a pooling's value."""
    unit, row, column = place
    height, width = trace.nodes[node.sources[0]].values.shape[2:]
    spread = (1, 1)
    if node.operator in OF_ANY_AXES:
        corner, size = (0, 0), (height, width)
    elif node.operator in _ADAPTIVE:
        rows, columns = node.values.shape[2:]
        corner = (row * height // rows, column * width // columns)
        ends = (-(-(row + 1) * height // rows), -(-(column + 1) * width // columns))
        size = (ends[0] - corner[0], ends[1] - corner[1])
    else:
        kernel, *rest = node.args[1:5]
        stride, padding, dilation = rest + [kernel, [0], [1]][len(rest) :]
        if node.operator is _aten.avg_pool2d:
            dilation = [1]
        stride = stride or kernel
        size = (kernel[0], _last(kernel))
        corner = (row * stride[0] - padding[0], column * _last(stride) - _last(padding))
        spread = (dilation[0], _last(dilation))
    return _reading(trace, node, slice(unit, unit + 1), corner, size, spread)


def _reading(
    trace: Trace,
    node: Node,
    units: slice,
    corner: tuple[int, int],
    size: tuple[int, int],
    spread: tuple[int, int],
) -> Reading:
    """What lies under a window, whose corner is told in the tensor that the operator reads."""
    source = trace.nodes[node.sources[0]]
    maps = source.values[0, units]
    height, width = maps.shape[1:]
    rows = corner[0] + spread[0] * torch.arange(size[0])
    columns = corner[1] + spread[1] * torch.arange(size[1])
    there = _within(rows, height)[:, None] & _within(columns, width)[None]
    inputs = maps[:, rows.clamp(0, height - 1)][:, :, columns.clamp(0, width - 1)] * there.to(maps.device)
    above, beside = _padded_before(trace, node)
    seen = trace.nodes[trace.visible(node.sources[0])].values.shape[2:]
    inside = _within(rows - above, seen[0])[:, None] & _within(columns - beside, seen[1])[None]
    return Reading(
        top=corner[0] - above,
        left=corner[1] - beside,
        size=size,
        spread=spread,
        inside=inside.numpy(),
        inputs=inputs,
    )


def _padded_before(trace: Trace, node: Node) -> tuple[int, int]:
    """Rows above and columns left of the map that paddings in front of an operator have put there."""
    above = beside = 0
    place = node.sources[0]
    while trace.nodes[place].kind == "padding":
        left, _, top, _ = (*trace.nodes[place].args[1], 0, 0, 0, 0)[:4]
        above, beside = above + top, beside + left
        place = trace.nodes[place].sources[0]
    return above, beside


def _within(places: Tensor, side: int) -> Tensor:
    return (places >= 0) & (places < side)


def number(value: Tensor) -> float:
    """A parameter's value."""
    return float(value.detach())


def _last(pair: Any) -> int:
    return int(pair[-1])


def _array(values: Tensor) -> Floats:
    return values.detach().float().cpu().numpy()


_LARGEST = (_aten.max_pool2d_with_indices, _aten.adaptive_max_pool2d, _aten.amax)
_ADAPTIVE = (_aten.adaptive_max_pool2d, _aten._adaptive_avg_pool2d)
