"""An exponential moving average of the weights, which often generalises better than the last weights."""

import copy

import torch
from torch import nn


class WeightAverage:
    """A second network that follows the first: `average ← decay · average + (1 − decay) · weights`.

    Early in training the decay is lower, `(1 + step) / (10 + step)`, so that the initial weights are soon
    forgotten. Buffers (batch statistics) are copied. Method: Polyak & Juditsky 1992.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after optimizer update number `step` (from 1)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
        for averaged, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            averaged.copy_(buffer)

    def start_from(self, network: nn.Module) -> None:
        """Forget the past: the average is this network."""
        self.network.load_state_dict(network.state_dict())
