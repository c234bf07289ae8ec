"""From a network to the table of its layers, without computing more than shapes."""

from collections import Counter
from typing import Any

from torch import nn
from torch.utils.flop_counter import flop_registry

from convscope.networks.following.operators import ShapeWatch
from convscope.networks.following.receptive_fields import ReceptiveField, followed_fields
from convscope.networks.following.shapes import output_shapes
from convscope.networks.summary import LayerSummary, Summary, Total


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
    """Output shape, and FLOPs over all calls, of each module in the order of the first returns."""
    counter = _FlopCounter()
    shapes = output_shapes(network, image_shape, counter)
    return {name: (shape, counter.flops[name]) for name, shape in shapes.items()}


class _FlopCounter(ShapeWatch):
    """Counts each operator's FLOPs for the module that runs it, by torch's own formulas."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: Counter[str] = Counter()

    def see(self, operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        formula = flop_registry.get(operator.overloadpacket)
        if formula is not None and self.running:
            self.flops[self.running[-1]] += formula(*args, **kwargs, out_val=result)


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
