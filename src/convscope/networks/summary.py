"""The table of a network's layers: output shape, weights, biases, FLOPs and receptive field.

These are values; `networks.following.summarising` makes them. Who reads a kept table does without torch,
which takes seconds to import.
"""

from dataclasses import asdict, dataclass
from typing import Any

from convscope.notebook import box, columns, labelled, line, table
from convscope.wording import size, some

BYTES = 4
"""Of a parameter, in 32 bits."""

COLUMNS = ("layer", "kind", "output", "weights", "biases", "FLOPs", "receptive field")


@dataclass(frozen=True, kw_only=True)
class LayerSummary:
    """One layer, for one image."""

    name: str
    """In `named_modules()`; empty for parameters that the network itself holds."""

    kind: str
    """The module's class."""

    output_shape: tuple[int, ...]
    """Without the batch axis; empty for a layer that is not called by itself."""

    weights: int
    """How many; the gains of a normalisation are weights."""

    biases: int
    flops: int
    """Twice the multiply-accumulates of its own convolutions and matrix products, over all calls."""

    receptive_field: tuple[int, int] | None
    """Height and width in pixels of what one unit sees; None where that is not known."""

    stride: tuple[int, int] | None
    """Pixels from one unit's receptive field to the next one's; 0 where all see the same."""

    def cells(self) -> tuple[str, ...]:
        """The row of a table under `COLUMNS`."""
        return (
            self.name,
            self.kind,
            "×".join(str(side) for side in self.output_shape),
            f"{self.weights:,}" if self.weights else "",
            f"{self.biases:,}" if self.biases else "",
            f"{self.flops:,}" if self.flops else "",
            "" if self.receptive_field is None else "×".join(str(side) for side in self.receptive_field),
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


@dataclass(frozen=True, kw_only=True)
class Total:
    """Sums over all layers."""

    weights: int
    biases: int
    flops: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases


@dataclass(frozen=True, kw_only=True, repr=False)
class Summary:
    """A network's layers in the order in which they are called, for one image."""

    image_shape: tuple[int, int, int]
    layers: tuple[LayerSummary, ...]
    total: Total
    network: str = ""
    """Its name, where it has one."""

    @property
    def heading(self) -> str:
        """What the table is of, and how it counts."""
        shape = "×".join(str(side) for side in self.image_shape)
        return f"{self.network}, one image of {shape}; FLOPs are multiply-accumulates × 2"

    @property
    def sums(self) -> tuple[str, str]:
        """Parameters and their size in 32 bits, and the work of one image."""
        total = self.total
        parameters = f"{some(total.parameters, 'parameter')}, {size(BYTES * total.parameters)}"
        return parameters, f"{total.flops:,} FLOPs an image"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        total = asdict(self.total) | {"parameters": self.total.parameters}
        return {
            "network": self.network,
            "image": list(self.image_shape),
            "layers": [layer.to_dict() for layer in self.layers],
            "total": total,
        }

    def __repr__(self) -> str:
        shape = "×".join(str(side) for side in self.image_shape)
        return f"Summary({self.network}, {shape}, {some(len(self.layers), 'layer')}, {self.sums[0]})"

    def __str__(self) -> str:
        rows = columns(COLUMNS, [layer.cells() for layer in self.layers], first_numbers=2)
        return f"{self.heading}\n{rows}\n{'  '.join(('total', *self.sums))}"

    def _repr_html_(self) -> str:
        rows = [layer.cells() for layer in self.layers]
        return box(
            line(self.heading), table(COLUMNS, rows, first_numbers=2), labelled([("total", *self.sums)])
        )
