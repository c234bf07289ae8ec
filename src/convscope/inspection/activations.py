"""The maps that a layer gives for one image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.arithmetic.operators import WEIGHING, kind_of
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.layers import LayerTap, find_layer
from convscope.inspection.signals.nonlinearities import NonLinearity
from convscope.inspection.signals.nonlinearity_sites import watched_nonlinearities
from convscope.networks.following.operators import OperatorWatch, tensors_in


@dataclass(frozen=True, kw_only=True)
class LayerMaps:
    """The output of every unit of a layer for one image.

    maps: (units, height, width); a layer without height and width gives (units, 1, 1).
    strength: (units,), the largest value of each map. order: (units,), strongest first, and of
        those that are equally strong, as where a ReLU6 ends, those of the highest mean.
    scale: the largest absolute value of all maps.
    nonlinearity: whose output this is, as in "relu"; empty where it is the layer's own.
    """

    layer: str
    maps: NDArray[np.float32]
    strength: NDArray[np.float32]
    order: NDArray[np.int64]
    scale: float
    nonlinearity: str = ""

    def strongest(self, count: int) -> NDArray[np.float32]:
        """Return the maps (count, height, width) of the most excited units, strongest first."""
        return self.maps[self.order[:count]]


def layer_maps(network: nn.Module, image: Tensor, layer: str) -> LayerMaps:
    """Return the maps of a layer for one standardised image, (1, C, H, W) or (C, H, W)."""
    with borrowed(network), torch.no_grad():
        output = LayerTap(network, layer)(image if image.ndim == 4 else image[None])
    return _as_maps(layer, output[0], "")


def maps_behind(network: nn.Module, image: Tensor, layer: str) -> LayerMaps:
    """The same as they are given on: behind the first non-linearity that follows, where one does.

    Normalisation, pooling and sums on the way there are done, which a pooling's smaller maps show. A gate,
    which weighs the maps by what other layers make of them, is no such non-linearity.
    """
    behind: list[tuple[str, Tensor]] = []
    following = _Following()

    def reach(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            following.begin(output)

    def observe(site: str, call: NonLinearity, output: Tensor) -> None:
        if not behind and following.are_maps(call.source):
            behind.append((call.name, output.detach().clone()))

    handle = find_layer(network, layer).register_forward_hook(reach)
    try:
        with borrowed(network), torch.no_grad(), following, watched_nonlinearities(network, observe):
            network((image if image.ndim == 4 else image[None]).to(device_of(network)))
    finally:
        handle.remove()
    if not behind:
        return layer_maps(network, image, layer)
    name, output = behind[0]
    return _as_maps(layer, output[0], name)


class _Following(OperatorWatch):
    """Knows which values are made of a layer's output before another layer weighs them."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[int, Tensor] = {}  # held, so that ids stay theirs
        self._begun: Tensor | None = None

    def begin(self, output: Tensor) -> None:
        """From this output on."""
        self._begun, self._known = output, {id(output): output}

    def are_maps(self, values: Tensor) -> bool:
        """Whether these are made of it, and are still maps of its units: not a single value of each."""
        if self._begun is None or id(values) not in self._known or not values.ndim == self._begun.ndim == 4:
            return False
        is_one_value = values[0, 0].numel() == 1 < self._begun[0, 0].numel()
        return values.shape[1] == self._begun.shape[1] and not is_one_value

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, and see whether it goes on with what is known."""
        result = func(*args, **(kwargs or {}))
        goes_on = any(id(each) in self._known for each in tensors_in(args))
        if goes_on and kind_of(func, 1, True) not in WEIGHING:
            self._known |= {id(each): each for each in tensors_in([result])}
        return result


def _as_maps(layer: str, output: Tensor, nonlinearity: str) -> LayerMaps:
    maps = output.float().cpu().numpy()
    maps = maps.reshape(len(maps), *maps.shape[1:]) if maps.ndim == 3 else maps.reshape(-1, 1, 1)
    strength = maps.max(axis=(1, 2))
    return LayerMaps(
        layer=layer,
        maps=maps,
        strength=strength,
        order=np.lexsort((-maps.mean(axis=(1, 2)), -strength)),
        scale=float(np.abs(maps).max()),
        nonlinearity=nonlinearity,
    )
