"""Update rules as functions of arrays: weights, gradient and memory in; weights and memory out.

`memory` is what a rule remembers from step to step, zeros (2, ..., n) at the start: the velocity, or the two
moments of Adam. `number` counts steps from 1. `rate` is the learning rate, or rates that broadcast. The
defaults are torch's, and so is the order of the arithmetic: the weights agree with `torch.optim`'s to 1e-12.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Updated = tuple[Array, Array]
RuleName = Literal["sgd", "momentum", "adam", "adamw"]
"""As `--optimizer` takes them."""


class Rule(Protocol):
    """One step."""

    def __call__(
        self, weights: Array, gradient: Array, memory: Array, number: int, rate: Array | float
    ) -> Updated:
        """The weights after the step, and what is remembered of it."""


def gradient_descent(
    weights: Array, gradient: Array, memory: Array, number: int, rate: Array | float
) -> Updated:
    """Down the slope, as far as it is steep (Cauchy 1847)."""
    return weights - rate * gradient, memory


def momentum(
    weights: Array,
    gradient: Array,
    memory: Array,
    number: int,
    rate: Array | float,
    *,
    kept: float = 0.9,
) -> Updated:
    """Like a ball: `kept` of the velocity stays from step to step (Polyak 1964)."""
    velocity = kept * memory[0] + gradient
    return weights - rate * velocity, np.stack([velocity, memory[1]])


def adam(
    weights: Array,
    gradient: Array,
    memory: Array,
    number: int,
    rate: Array | float,
    *,
    kept: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> Updated:
    """About `rate` in each weight: the mean gradient over its root mean square (Kingma and Ba 2014)."""
    mean = memory[0] + (1 - kept[0]) * (gradient - memory[0])
    square = kept[1] * memory[1] + (1 - kept[1]) * gradient**2
    size = np.sqrt(square) / np.sqrt(1 - kept[1] ** number) + epsilon
    return weights - rate / (1 - kept[0] ** number) * (mean / size), np.stack([mean, square])


def adamw(
    weights: Array,
    gradient: Array,
    memory: Array,
    number: int,
    rate: Array | float,
    *,
    decay: float = 0.01,
) -> Updated:
    """Adam after the weights have shrunk by rate × `decay` (Loshchilov and Hutter 2017)."""
    return adam(weights * (1 - rate * decay), gradient, memory, number, rate)


RULES: Mapping[RuleName, Rule] = {
    "sgd": gradient_descent,
    "momentum": momentum,
    "adam": adam,
    "adamw": adamw,
}
"""All of them, in the order in which they were found."""

TITLES: Mapping[RuleName, str] = {
    "sgd": "gradient descent",
    "momentum": "momentum",
    "adam": "Adam",
    "adamw": "AdamW",
}
"""As they are said."""
