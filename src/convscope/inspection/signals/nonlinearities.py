"""Watching every non-linearity of a pass, whether it is a module or a function call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

RECTIFIERS = frozenset({"relu", "relu6"})
GATES = frozenset({"sigmoid", "hardsigmoid"})

# name → (function that leaves its input alone, all functions that mean the same)
_FUNCTIONS: dict[str, tuple[Callable[..., Tensor], tuple[Callable[..., Any], ...]]] = {
    "relu": (F.relu, (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)),
    "relu6": (F.relu6, (F.relu6,)),
    "hardtanh": (F.hardtanh, (F.hardtanh, F.hardtanh_)),
    "leaky_relu": (F.leaky_relu, (F.leaky_relu, F.leaky_relu_)),
    "prelu": (torch.prelu, (torch.prelu, Tensor.prelu)),
    "elu": (F.elu, (F.elu, F.elu_)),
    "selu": (torch.selu, (F.selu, torch.selu, torch.selu_)),
    "celu": (F.celu, (F.celu, torch.celu, torch.celu_)),
    "silu": (F.silu, (F.silu,)),
    "mish": (F.mish, (F.mish,)),
    "gelu": (F.gelu, (F.gelu,)),
    "hardswish": (F.hardswish, (F.hardswish,)),
    "softplus": (F.softplus, (F.softplus,)),
    "tanh": (torch.tanh, (torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_, F.tanh)),
    "sigmoid": (torch.sigmoid, (torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_, F.sigmoid)),
    "hardsigmoid": (F.hardsigmoid, (F.hardsigmoid,)),
}
_NAME_OF = {function: name for name, (_, functions) in _FUNCTIONS.items() for function in functions}


@dataclass(frozen=True)
class NonLinearity:
    """One call of a non-linearity.

    values: what goes in. compute: how to make of them what comes out. source: the tensor that the network
    passed, the same as `values` unless the call is in place.
    """

    name: str
    values: Tensor
    compute: Callable[[Tensor], Tensor]
    source: Tensor

    @property
    def is_rectifier(self) -> bool:
        """Whether negative values become zero and positive ones pass (up to 6 for ReLU6)."""
        return self.name in RECTIFIERS


class NonLinearityWatch(TorchFunctionMode):
    """While active, hands each non-linearity to `handle` and goes on with the tensor that it returns.

    In-place calls keep their meaning: the input then holds the result. A rectifier written as `clamp` or
    `maximum` is not recognised.
    """

    def __init__(self, handle: Callable[[NonLinearity], Tensor]) -> None:
        super().__init__()
        self._handle = handle

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Let everything through that is no non-linearity."""
        options = dict(kwargs or {})
        name = _NAME_OF.get(func)
        if name is None:
            return func(*args, **options)
        values = args[0] if args else options.pop("input")
        in_place = options.pop("inplace", False) or func.__name__.endswith("_")
        compute = _FUNCTIONS[name][0]
        if name == "hardtanh" and (options.get("min_val"), options.get("max_val")) == (0.0, 6.0):
            name = "relu6"  # nn.ReLU6 is a hardtanh from 0 to 6
        # The backward pass may need the values that an in-place call overwrites.
        before = values.clone() if in_place else values
        output = self._handle(NonLinearity(name, before, lambda x: compute(x, *args[1:], **options), values))
        return values.copy_(output) if in_place else output
