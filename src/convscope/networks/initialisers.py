"""Initial weights, drawn from one seeded generator; the global random state is neither read nor moved.

normal             N(0, std²)
truncated-normal   N(0, std²), drawn again where it is more than 2 std from 0
xavier             uniform, variance 2 / (fan in + fan out): Glorot and Bengio 2010, for linear outputs
he                 normal, variance 2 / fan in: He, Zhang, Ren and Sun 2015, for layers before a ReLU
identity           as he, but the first filters of a convolution pass their channels on as they are, one each:
                   at the start a deep network says what it sees (Zagoruyko and Komodakis 2017, "DiracNets")
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import init

from convscope.errors import UsageError

Initialiser = Literal["normal", "truncated-normal", "xavier", "he", "identity"]


@dataclass(frozen=True, kw_only=True)
class InitialValues:
    """How a network starts; the defaults are He for layers before a ReLU, Xavier for the last, biases 0."""

    hidden: Initialiser = "he"
    """For every convolution and fully connected layer but the last."""

    last: Initialiser = "xavier"
    """For the last layer, the logits."""

    std: float | None = None
    """Of normal and truncated-normal (before it is cut)."""

    scale: float = 1.0
    """Every weight is multiplied by it."""

    bias: float = 0.0
    """Of every convolution and fully connected layer; a normalisation's biases are 0 and its gains 1."""

    def __post_init__(self) -> None:
        chosen = {self.hidden, self.last} & {"normal", "truncated-normal"}
        if chosen and self.std is None:
            raise UsageError(
                f"the initialiser {min(chosen)} needs a standard deviation: give initial_std, as in 0.05"
            )
        if self.std is not None and not chosen:
            raise UsageError(
                f"initial_std = {self.std:g} has no use: {self.hidden} and {self.last} set their own spread; "
                "leave it out, or choose the initialiser normal or truncated-normal"
            )


def initialise(network: nn.Module, values: InitialValues, *, seed: int) -> None:
    """Fill every weight, bias and running statistic of a network in place.

    The same seed gives the same weights, layer by layer in the order of `named_modules()`.
    """
    generator = torch.Generator().manual_seed(seed)
    weighted = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()  # gains 1, biases 0, running mean 0 and variance 1; draws nothing
    with torch.no_grad():
        for module in weighted:
            name = values.last if module is weighted[-1] else values.hidden
            fill_weights(module.weight, name, std=values.std, generator=generator)
            module.weight.mul_(values.scale)
            if module.bias is not None:
                module.bias.fill_(values.bias)


def fill_weights(weight: Tensor, name: Initialiser, *, std: float | None, generator: torch.Generator) -> None:
    """Draw `(out, in)` or `(out, in, kernel, kernel)` weights in place; `std` is for the normal ones."""
    match name:
        case "normal":
            init.normal_(weight, std=_given(std), generator=generator)
        case "truncated-normal":
            spread = _given(std)
            init.trunc_normal_(weight, std=spread, a=-2 * spread, b=2 * spread, generator=generator)
        case "xavier":
            init.xavier_uniform_(weight, generator=generator)
        case "he":
            init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
        case "identity":
            init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
            if weight.ndim == 4:
                init.dirac_(weight[: weight.shape[1]])


def _given(std: float | None) -> float:
    if std is None:
        raise UsageError("the initialisers normal and truncated-normal need a standard deviation")
    return std
