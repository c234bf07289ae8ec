"""The maps that a layer gives for one image."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.borrowing import borrowed
from convscope.inspection.layers import LayerTap


@dataclass(frozen=True, kw_only=True)
class LayerMaps:
    """The output of every unit of a layer for one image.

    maps: (units, height, width); a layer without height and width gives (units, 1, 1).
    strength: (units,), the largest value of each map. order: (units,), strongest first.
    scale: the largest absolute value of all maps.
    """

    layer: str
    maps: NDArray[np.float32]
    strength: NDArray[np.float32]
    order: NDArray[np.int64]
    scale: float

    def strongest(self, count: int) -> NDArray[np.float32]:
        """Return the maps (count, height, width) of the most excited units, strongest first."""
        return self.maps[self.order[:count]]


def layer_maps(network: nn.Module, image: Tensor, layer: str) -> LayerMaps:
    """Return the maps of a layer for one standardised image, (1, C, H, W) or (C, H, W)."""
    with borrowed(network), torch.no_grad():
        output = LayerTap(network, layer)(image if image.ndim == 4 else image[None])
    maps = output[0].float().cpu().numpy()
    maps = maps.reshape(len(maps), *maps.shape[1:]) if maps.ndim == 3 else maps.reshape(-1, 1, 1)
    strength = maps.max(axis=(1, 2))
    return LayerMaps(
        layer=layer,
        maps=maps,
        strength=strength,
        order=np.argsort(-strength, kind="stable"),
        scale=float(np.abs(maps).max()),
    )
