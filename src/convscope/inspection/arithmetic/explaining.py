"""From one value of a traced pass to the steps that make it, and that it goes through next."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convscope.errors import UsageError
from convscope.inspection.arithmetic.operators import HIDDEN, WEIGHING, Kind
from convscope.inspection.arithmetic.steps import (
    Bent,
    Combined,
    Normalised,
    Part,
    Place,
    Pooled,
    Scaled,
    Step,
)
from convscope.inspection.arithmetic.trace import Node, Trace
from convscope.inspection.arithmetic.windows import number, pool_reading, pooled, weighted_sum


@dataclass(frozen=True, kw_only=True, eq=False)
class Arithmetic:
    """How one value comes about, and what becomes of it.

    Attributes:
        layer, unit, row, column: which value.
        value: the network's own.
        steps: from the weighted sum (or what else begins it) to where the next layer weighs again.
        asked: the place among the steps of the value that was asked for.
    """

    layer: str
    unit: int
    row: int
    column: int
    value: float
    steps: tuple[Step, ...]
    asked: int


def explain(
    trace: Trace, layer: str, unit: int, row: int = 0, column: int = 0, *, most: int | None = 8
) -> Arithmetic:
    """The arithmetic of one value: inputs × weights + bias, normalisation, non-linearity, pooling.

    Args:
        trace: of the image.
        layer: a layer of the trace.
        unit, row, column: in its output; row and column are 0 in a layer without maps.
        most: units of the input that are shown one by one, the rest being summed; None for all.

    Raises:
        UsageError: for a layer, unit or place that there is not, or a layer whose arithmetic is not known,
            as that of attention.
    """
    at = trace.find(layer)
    node = trace.nodes[at]
    _check_place(node, unit, row, column)
    if node.kind == "image":
        raise UsageError("the image is what the network is given: choose a layer behind it")
    before = _back(trace, at, (unit, row, column), most)
    asked = before[-1]
    return Arithmetic(
        layer=node.name,
        unit=unit,
        row=row,
        column=column,
        value=asked.value,
        steps=(*before, *_onward(trace, at, (unit, row, column), most)),
        asked=len(before) - 1,
    )


def explain_step(trace: Trace, at: int, place: Place, most: int | None = 8) -> Step:
    """The one operator that makes a value.

    Raises:
        UsageError: where the operator is none whose arithmetic is known.
    """
    node = trace.nodes[at]
    common = {
        "layer": node.name,
        "unit": place[0],
        "row": place[1],
        "column": place[2],
        "value": value_at(node, place),
        "source": trace.nodes[trace.visible(node.sources[0])].name if node.sources else "",
    }
    explained = _EXPLAINED.get(node.kind)
    if explained is None:
        raise UsageError(
            f"the arithmetic of {node.name} is not known: its operator is {node.word}. "
            "Convolutions, fully connected layers, normalisations, non-linearities, poolings and sums are"
        )
    return explained(trace, node, place, common, most)


def value_at(node: Node, place: Place) -> float:
    """The network's own value at a place of a node's output."""
    return float(node.values[index_of(node.values, place)])


def index_of(values: Tensor, place: Place) -> tuple[int, ...]:
    """A place as an index into (1, C, H, W), where axes of length one serve all places, or into (1, F)."""
    unit, row, column = place
    if values.ndim == 4:
        _, units, height, width = values.shape
        return 0, min(unit, units - 1), min(row, height - 1), min(column, width - 1)
    return 0, unit


def inputs_of(trace: Trace, step: Step) -> list[tuple[int, Place]]:
    """Where a step's own input lies, for one that reads a single place (of a pooling the largest)."""
    if isinstance(step, Combined):
        return [(trace.find(part.layer), part.place) for part in step.parts]
    place = (step.unit, *step.winner) if isinstance(step, Pooled) else step.place
    return [(trace.find(step.source), place)]


def _back(trace: Trace, at: int, place: Place, most: int | None) -> list[Step]:
    """The steps up to a value, beginning where several values come together."""
    step = explain_step(trace, at, place, most)
    node = trace.nodes[at]
    is_mean = isinstance(step, Pooled) and step.how == "mean"
    if node.kind in WEIGHING or is_mean or isinstance(step, Combined):
        return [step]
    source, origin = inputs_of(trace, step)[0]
    if trace.nodes[source].kind == "image" or trace.nodes[source].kind not in _EXPLAINED:
        return [step]
    return [*_back(trace, source, origin, most), step]


def _onward(trace: Trace, at: int, place: Place, most: int | None) -> Iterator[Step]:
    """What a value goes through before the next layer weighs it, where it goes one way only."""
    while True:
        users = trace.users(at)
        if len(users) != 1:
            return
        at = users[0]
        node = trace.nodes[at]
        if node.kind not in _FOLLOWED or _is_rearranged(trace, at):
            return
        onward = place if node.kind != "pooling" else _pool_of(trace, node, place)
        if onward is None:
            return
        place = onward
        yield explain_step(trace, at, place, most)


def _is_rearranged(trace: Trace, at: int) -> bool:
    """Whether something between a node and its source changes where a value stands."""
    node = trace.nodes[at]
    return any(trace.nodes[source].kind in HIDDEN for source in node.sources)


def _pool_of(trace: Trace, node: Node, place: Place) -> Place | None:
    """The place of a pooling's output whose window holds a place of its input; the first of several."""
    unit, row, column = place
    height, width = trace.nodes[node.sources[0]].values.shape[2:]
    rows, columns = node.values.shape[2:] if node.values.ndim == 4 else (1, 1)
    for down in _near(row, height, rows):
        for across in _near(column, width, columns):
            if pool_reading(trace, node, (unit, down, across)).holds(row, column):
                return unit, down, across
    return None


def _near(place: int, before: int, after: int) -> range:
    """Where in `after` rows one of `before` rows can have come."""
    about = place * after // before
    return range(max(0, about - 2), min(after, about + 3))


def _normalised(
    trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None
) -> Normalised:
    weight, bias, mean, variance = node.args[1:5]
    unit = place[0]
    return Normalised(
        **common,
        before=value_at(trace.nodes[node.sources[0]], place),
        mean=number(mean[unit]),
        deviation=math.sqrt(number(variance[unit]) + float(node.args[-1])),
        gain=1.0 if weight is None else number(weight[unit]),
        shift=0.0 if bias is None else number(bias[unit]),
    )


def _bent(trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None) -> Bent:
    before = trace.nodes[node.sources[0]].values[index_of(node.values, place)]
    again = before.double()
    functional = node.word if not node.word.startswith("relu6") else "hardtanh"
    operator = getattr(torch.ops.aten, functional)
    return Bent(
        **common,
        function=node.word,
        before=float(before),
        again=float(operator(again, *node.args[1:])),
    )


def _combined(trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None) -> Combined:
    parts = []
    for source in node.sources[:2]:
        shown = trace.nodes[trace.visible(source)]
        index = index_of(trace.nodes[source].values, place)
        where = (index[1], *index[2:]) if len(index) == 4 else (index[1], 0, 0)
        parts.append(Part(layer=shown.name, value=value_at(trace.nodes[source], place), place=where))
    return Combined(**common, sign="×" if node.kind == "product" else "+", parts=(parts[0], parts[-1]))


def _scaled(trace: Trace, node: Node, place: Place, common: dict[str, Any], most: int | None) -> Scaled:
    factor = node.args[1]
    if isinstance(factor, Tensor):
        factor = float(factor.expand_as(node.values)[index_of(node.values, place)])
    divides = node.word == "div"
    before = value_at(trace.nodes[node.sources[0]], place)
    return Scaled(**common, before=before, factor=1 / factor if divides else float(factor))


def _check_place(node: Node, unit: int, row: int, column: int) -> None:
    shape = tuple(node.values.shape[1:])
    sides = shape if len(shape) == 3 else (*shape[:1], 1, 1)
    for what, asked, side in zip(("unit", "row", "column"), (unit, row, column), sides, strict=True):
        if not 0 <= asked < side:
            raise UsageError(f"{node.name} has no {what} {asked}: there are {side}, counted from 0")


_EXPLAINED: dict[Kind, Callable[..., Step]] = {
    "convolution": weighted_sum,
    "linear": weighted_sum,
    "normalisation": _normalised,
    "non-linearity": _bent,
    "pooling": pooled,
    "sum": _combined,
    "product": _combined,
    "scale": _scaled,
}

_FOLLOWED: frozenset[Kind] = frozenset(
    {"normalisation", "non-linearity", "pooling", "sum", "product", "scale"}
)
