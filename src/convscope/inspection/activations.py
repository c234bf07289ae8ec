"""The maps that a layer gives for one image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.layers import LayerTap, find_layer
from convscope.inspection.signals.nonlinearities import NonLinearity
from convscope.inspection.signals.nonlinearity_sites import watched_nonlinearities


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

    Normalisation and pooling on the way there are done, which a pooling's smaller maps show.
    """
    behind: list[tuple[str, Tensor]] = []
    reached: list[Tensor] = []

    def reach(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            reached[:] = [output]

    def observe(site: str, call: NonLinearity, output: Tensor) -> None:
        follows = bool(reached) and not behind and output.ndim == reached[0].ndim == 4
        if follows and output.shape[1] == reached[0].shape[1]:
            behind.append((call.name, output.detach().clone()))

    handle = find_layer(network, layer).register_forward_hook(reach)
    try:
        with borrowed(network), torch.no_grad(), watched_nonlinearities(network, observe):
            network((image if image.ndim == 4 else image[None]).to(device_of(network)))
    finally:
        handle.remove()
    if not behind:
        return layer_maps(network, image, layer)
    name, output = behind[0]
    return _as_maps(layer, output[0], name)


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
