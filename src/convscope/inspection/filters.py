"""The weights of a convolution, as pictures of numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.layers import convolution_layers, find_layer

_DEAD_SHARE_OF_LARGEST_NORM = 1e-3
_NEAR_IDENTICAL_COSINE = 0.99


@dataclass(frozen=True, kw_only=True)
class LayerFilters:
    """All filters of one convolution.

    weights: (out_channels, in_channels / groups, kernel height, kernel width). norms: (out_channels,), the
    L2 norm of each filter. order: (out_channels,), largest norm first. scale: the largest absolute weight
    of the layer; one colour scale from −scale to +scale serves all filters. dead: (out_channels,) bool,
    norm below a thousandth of the layer's largest. twin: (out_channels,), the first earlier filter with a
    cosine above 0.99, or −1.
    """

    layer: str
    weights: NDArray[np.float32]
    norms: NDArray[np.float32]
    order: NDArray[np.int64]
    scale: float
    dead: NDArray[np.bool_]
    twin: NDArray[np.int64]

    def of_channel(self, channel: int) -> NDArray[np.float32]:
        """Return the weights (out_channels, height, width) for one input channel."""
        channels = self.weights.shape[1]
        if not 0 <= channel < channels:
            raise UsageError(f"{self.layer} has input channels 0 to {channels - 1}, not {channel}")
        return self.weights[:, channel]


def layer_filters(network: nn.Module, layer: str) -> LayerFilters:
    """Return the filters of a convolution; UsageError if the layer is something else."""
    module = find_layer(network, layer)
    if not isinstance(module, nn.Conv2d):
        convolutions = ", ".join(convolution_layers(network)[:20]) or "none"
        raise UsageError(
            f"{layer} is a {type(module).__name__}, not a convolution. Convolutions: {convolutions}"
        )
    weights = module.weight.detach().float().cpu().numpy().copy()
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    dead = norms <= _DEAD_SHARE_OF_LARGEST_NORM * norms.max()
    return LayerFilters(
        layer=layer,
        weights=weights,
        norms=norms,
        order=np.argsort(-norms, kind="stable"),
        scale=float(np.abs(weights).max()),
        dead=dead,
        twin=_twins(weights, norms, dead, module.groups),
    )


def _twins(
    weights: NDArray[np.float32], norms: NDArray[np.float32], dead: NDArray[np.bool_], groups: int
) -> NDArray[np.int64]:
    """Return for each filter the first earlier one that does nearly the same, or −1.

    Only filters that read the same channels (of one group) and have more than one weight can be alike.
    """
    twin = np.full(len(weights), -1, dtype=np.int64)
    if weights[0].size == 1:
        return twin
    directions = weights.reshape(len(weights), -1) / np.where(dead, 1.0, norms)[:, None]
    for members in np.array_split(np.arange(len(weights)), groups):
        alive = members[~dead[members]]
        cosines = torch.from_numpy(directions[alive] @ directions[alive].T)
        alike = torch.tril(cosines > _NEAR_IDENTICAL_COSINE, diagonal=-1).numpy()
        for row in np.flatnonzero(alike.any(axis=1)):
            twin[alive[row]] = alive[alike[row].argmax()]
    return twin
