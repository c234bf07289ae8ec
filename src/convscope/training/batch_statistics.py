"""Batch normalisation's running statistics, measured for the weights as they are.

Training normalises each batch by itself; evaluation by an average over past batches, which past weights
saw. While the weights move fast that average lags, and a network that is right on its training batches can
be wrong on everything: one that counted 45 to 49 circles was no better than chance until the rate had
fallen. Measured anew before each validation, the figure is that of the weights.

Method: Wu & Johnson 2021, "Rethinking 'batch' in batch normalization".
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.classifier.logits import evaluation_mode

MOST_IMAGES = 2_048
"""Images to measure on: what varies from image to image is then known to a fiftieth of its deviation."""


def layers_that_follow_batches(network: nn.Module) -> list[str]:
    """Names of the layers that normalise by the batch, in the mode that the network is in."""
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]


@torch.no_grad()
def measure_batch_statistics(network: nn.Module, layers: Sequence[str], batches: Iterable[Tensor]) -> None:
    """Replace these layers' running statistics by their averages over the batches; dropout is off.

    Args:
        network: the running means and variances of its `layers` change, and nothing else.
        layers: names of batch normalisations.
        batches: standardised training images `(N, C, H, W)`, N > 1, on the network's device.
    """
    with evaluation_mode(network), _averaging([network.get_submodule(name) for name in layers]):
        for images in batches:
            network(images)


@contextmanager
def _averaging(layers: Sequence[nn.Module]) -> Iterator[None]:
    """These layers normalise by the batch, and keep the plain average of all batches that they see."""
    norms = [layer for layer in layers if isinstance(layer, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
