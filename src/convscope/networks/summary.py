"""The table of a network's layers: output shape, weights, biases, FLOPs and receptive field."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convscope.networks.following.receptive_fields import ReceptiveField, followed_fields
from convscope.networks.following.shapes import output_shapes
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


def summarise(network: nn.Module, image_shape: tuple[int, int, int], title: str = "") -> Summary:
    """Every layer for one image `(C, H, W)`; only shapes are computed, and the network is left as it is.

    FLOPs are floating-point operations of the forward pass for one image: multiply-accumulates × 2, of
    convolutions and matrix products, those of attention too, as `torch.utils.flop_counter` counts them;
    normalisation, activations, pooling and biases are not counted. Weights that layers share are counted
    once, with the first. Raises UsageError if the network cannot take such images.
    """
    calls = _calls(network, image_shape)
    fields = followed_fields(network, image_shape)
    modules = dict(network.named_modules())
    order = [*calls, *(name for name in modules if name not in calls)]
    counted: set[int] = set()
    layers = []
    for name in order:
        module = modules[name]
        weights, biases = _count(module, counted)
        shape, flops = calls.get(name, ((), 0))
        if not (weights or biases or flops or (name in calls and _is_layer(module))):
            continue
        field = fields.get(name)
        known = field if isinstance(field, ReceptiveField) else None
        layers.append(
            LayerSummary(
                name=name,
                kind=type(module).__name__,
                output_shape=shape,
                weights=weights,
                biases=biases,
                flops=flops,
                receptive_field=known.size if known else None,
                stride=known.stride if known else None,
            )
        )
    total = Total(
        weights=sum(layer.weights for layer in layers),
        biases=sum(layer.biases for layer in layers),
        flops=sum(layer.flops for layer in layers),
    )
    return Summary(image_shape=image_shape, layers=tuple(layers), total=total, network=title)


def _calls(network: nn.Module, image_shape: tuple[int, int, int]) -> dict[str, tuple[tuple[int, ...], int]]:
    """Output shape, and FLOPs over all calls, of each module in the order of the first calls."""
    with FlopCounterMode(display=False) as counter:
        shapes = output_shapes(network, image_shape)
    counts = {name.partition(".")[2]: sum(each.values()) for name, each in counter.get_flop_counts().items()}
    counts[""] = counter.get_total_flops()
    own = dict(counts)
    for name, count in counts.items():
        if name:  # what is counted for a module is no work of the one that calls it
            own[_caller(name, counts)] -= count
    return {name: (shape, own.get(name, 0)) for name, shape in shapes.items()}


def _caller(name: str, counts: dict[str, int]) -> str:
    """The nearest module around this one that is called itself; a list of modules is not."""
    around = name.rpartition(".")[0]
    return around if around in counts else _caller(around, counts)


def _count(module: nn.Module, counted: set[int]) -> tuple[int, int]:
    """Weights and biases that a module holds itself, without those counted before."""
    weights = biases = 0
    for name, parameter in module.named_parameters(recurse=False):
        if id(parameter) in counted:
            continue
        counted.add(id(parameter))
        if name.endswith("bias"):
            biases += parameter.numel()
        else:
            weights += parameter.numel()
    return weights, biases


def _is_layer(module: nn.Module) -> bool:
    return not isinstance(module, nn.Identity) and next(module.children(), None) is None
