"""One step of arithmetic, whole: what goes in, what is done, what the network made of it.

Every step knows the network's own `value` and can reckon it again (`computed`, in double precision), so that
the two can be held beside each other.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IMAGE = "image"
"""What the network's input is called."""

Floats = NDArray[np.float32]
Place = tuple[int, int, int]
"""Unit, row and column in a layer's output; row and column are 0 in a layer without maps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """What a weighted sum reads of one of its inputs' units.

    Attributes:
        unit: of the layer that is read.
        inputs, weights: (h, w).
    """

    unit: int
    inputs: Floats
    weights: Floats

    @property
    def products(self) -> NDArray[np.float64]:
        """Input times weight, (h, w)."""
        return np.multiply(self.inputs, self.weights, dtype=np.float64)

    @property
    def sum(self) -> float:
        """What the window adds."""
        return float(self.products.sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Step(ABC):
    """What all steps have.

    Attributes:
        layer: whose value it is.
        unit, row, column: where in the layer's output.
        value: the network's own.
        source: the layer that is read; `image` for the standardised image.
    """

    layer: str
    unit: int
    row: int
    column: int
    value: float
    source: str

    @property
    def place(self) -> Place:
        """Unit, row and column."""
        return self.unit, self.row, self.column

    @property
    @abstractmethod
    def computed(self) -> float:
        """The value, reckoned again from what the step shows."""

    @property
    def magnitude(self) -> float:
        """How large the numbers are that were added up: what single precision is exact relative to."""
        return abs(self.value)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedSum(Step):
    """Inputs × weights + bias: one value of a convolution or of a fully connected layer.

    Attributes:
        windows: those units of the input that move the sum most, the strongest first.
        rest, rest_size: what the other units add, and the sum of what they add without their signs.
        units: how many units are read in all.
        bias: 0 for a layer without.
        has_bias: whether the layer has biases.
        top, left: the window's first row and column in the input; negative where it begins in the padding.
        spread: rows and columns from one input to the next (the dilation).
        inside: (h, w), whether an input lies in the map; the others are padding, and 0.
    """

    windows: tuple[Window, ...]
    rest: float = 0.0
    rest_size: float = 0.0
    units: int = 1
    bias: float = 0.0
    has_bias: bool = False
    top: int = 0
    left: int = 0
    spread: tuple[int, int] = (1, 1)
    inside: NDArray[np.bool_] = field(default_factory=lambda: np.ones((1, 1), dtype=bool))

    @property
    def computed(self) -> float:
        """All products and the bias, added in double precision."""
        return sum(window.sum for window in self.windows) + self.rest + self.bias

    @property
    def magnitude(self) -> float:
        """All products and the bias without their signs."""
        shown = sum(float(np.abs(window.products).sum()) for window in self.windows)
        return shown + self.rest_size + abs(self.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalised(Step):
    """(before − mean) / deviation × gain + shift, by the statistics that training left."""

    before: float
    mean: float
    deviation: float
    gain: float = 1.0
    shift: float = 0.0

    @property
    def computed(self) -> float:
        """By the formula."""
        return (self.before - self.mean) / self.deviation * self.gain + self.shift

    @property
    def magnitude(self) -> float:
        """Of the two numbers that are taken from each other, scaled as they are, and the shift."""
        return (abs(self.before) + abs(self.mean)) / self.deviation * abs(self.gain) + abs(self.shift)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bent(Step):
    """A non-linearity.

    Attributes:
        function: its name, as in `relu`.
        before: what goes in.
        again: what the function makes of that, in double precision.
    """

    function: str
    before: float
    again: float

    @property
    def computed(self) -> float:
        """For a ReLU max(0, before); for another what torch makes of it."""
        return max(0.0, self.before) if self.function == "relu" else self.again


@dataclass(frozen=True, kw_only=True, eq=False)
class Pooled(Step):
    """The largest value of a window, or its mean.

    Attributes:
        how: max or mean.
        inputs: (h, w).
        inside: (h, w); what is not is padding.
        top, left: the window's first row and column in the input.
        spread: rows and columns from one input to the next.
        divisor: what the sum is divided by.
        winner: row and column, in the input, of the largest.
    """

    how: str
    inputs: Floats
    inside: NDArray[np.bool_]
    top: int
    left: int
    spread: tuple[int, int] = (1, 1)
    divisor: float = 1.0

    @property
    def winner(self) -> tuple[int, int]:
        """Row and column, in the input, of the largest value; the first of equal ones."""
        masked = np.where(self.inside, self.inputs, -np.inf)
        row, column = np.unravel_index(int(masked.argmax()), masked.shape)
        return self.top + int(row) * self.spread[0], self.left + int(column) * self.spread[1]

    @property
    def computed(self) -> float:
        """The largest, or the sum divided."""
        inputs = self.inputs[self.inside]
        return (
            float(inputs.max()) if self.how == "max" else float(inputs.sum(dtype=np.float64)) / self.divisor
        )

    @property
    def magnitude(self) -> float:
        """Of the values without their signs, as they are divided."""
        return max(abs(self.value), float(np.abs(self.inputs[self.inside]).sum()) / self.divisor)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One of two values that are put together: the layer that gives it, and where in it."""

    layer: str
    value: float
    place: Place


@dataclass(frozen=True, kw_only=True, eq=False)
class Combined(Step):
    """Two layers' values at one place, added (as a residual block does) or multiplied.

    Attributes:
        sign: + or ×.
        parts: the two.
    """

    sign: str
    parts: tuple[Part, Part]

    @property
    def computed(self) -> float:
        """Their sum or product."""
        one, other = (part.value for part in self.parts)
        return one + other if self.sign == "+" else one * other

    @property
    def magnitude(self) -> float:
        """Of the parts."""
        return sum(abs(part.value) for part in self.parts) if self.sign == "+" else abs(self.value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaled(Step):
    """A value times a constant."""

    before: float
    factor: float

    @property
    def computed(self) -> float:
        """Their product."""
        return self.before * self.factor
