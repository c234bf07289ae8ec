"""The operators that a network runs, one by one, without torch's compiler."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class OperatorWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, each operator passes through `__torch_dispatch__`.

    Other modes of this kind load torch's compiler at their first operator, only to tell it to leave them
    alone: a second, and another when the process ends. One that nobody compiles can do without.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __init_subclass__(cls, **options: Any) -> None:
        """Leave out what a mode does here: to wrap `__torch_dispatch__` so that the compiler passes it by."""
        super(TorchDispatchMode, cls).__init_subclass__(**options)


class ShapeWatch(OperatorWatch):
    """Sees the operators of a network on the meta device, where shapes are computed and values are not.

    Attributes:
        running: the names of the modules that run, each behind the one that called it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.running: list[str] = []

    def see(self, operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Called after each operator."""

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, and show it."""
        result = _result(func, args, kwargs or {})
        self.see(func, args, kwargs or {}, result)
        return result


def _result(operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    shortcut = _SHORTCUTS.get(operator)
    result = None if shortcut is None or kwargs else shortcut(*args)
    return operator(*args, **kwargs) if result is None else result


def _each(values: Tensor, other: object = None) -> Tensor | None:
    alike = not isinstance(other, Tensor) or other.shape == values.shape
    return torch.empty_like(values) if alike and values.is_floating_point() else None


def _mean(values: Tensor, axes: list[int], keepdim: bool = False) -> Tensor | None:
    return torch.amax(values, axes, keepdim=keepdim) if axes else None


def _normalised(images: Tensor, *args: Any) -> tuple[Tensor, ...] | None:
    channels = tensors_in(args)
    if not channels or any(each.shape != images.shape[1:2] for each in channels):
        return None
    return tuple(torch.empty_like(each) for each in (images, channels[0], channels[0]))


def _affine(bias: Tensor, values: Tensor, weights: Tensor) -> Tensor | None:
    fits = values.shape[1] == weights.shape[0] and bias.shape == weights.shape[1:]
    return values.new_empty(values.shape[0], weights.shape[1]) if fits else None


_aten = torch.ops.aten
_SHORTCUTS: dict[Any, Callable[..., Any]] = {
    _aten.relu.default: _each,
    _aten.relu_.default: _each,
    _aten.add.Tensor: _each,
    _aten.mul.Tensor: _each,
    _aten.mean.dim: _mean,
    _aten.native_batch_norm.default: _normalised,
    _aten.addmm.default: _affine,
}
"""What our own networks do that torch, on the meta device, computes the shape of by loading its compiler.

Each gives the result for the operator's arguments, or None to leave it, or the error, to torch.
"""


def tensors_in(values: Iterable[object]) -> list[Tensor]:
    """The tensors in nested lists and tuples."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += tensors_in(value)
    return found
