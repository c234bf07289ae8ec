"""Batch normalisation's running statistics, measured for the weights as they are.

Training normalises each batch by itself; evaluation by an average over past batches, which past weights
saw. While the weights move fast that average lags, and a network that is right on its training batches can
be wrong on everything: one that counted 45 to 49 circles was no better than chance until the rate had
fallen. Measured anew before each validation, the figure is that of the weights.

Method: Wu & Johnson 2021, "Rethinking 'batch' in batch normalization".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.classifier.logits import evaluation_mode
from convscope.data.batches import steps_per_epoch
from convscope.errors import UsageError

MOST_IMAGES = 2_048
"""Images to measure on: what varies from image to image is then known to a fiftieth of its deviation."""


def layers_that_follow_batches(network: nn.Module) -> list[str]:
    """Names of the layers that normalise by the batch, in the mode that the network is in."""
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]


def refuse_single_values(network: nn.Module, image: Tensor, *, batch_size: int, num_images: int) -> None:
    """Stop before a training in which a batch normalisation would have one value a channel to measure.

    One value has no variance. So it is with one image in a step, where a layer's maps are 1×1.

    Args:
        network: in the mode of training; stays as it is.
        image: a standardised training image `(1, C, H, W)`, on the network's device.
        batch_size: images in a step, as asked for.
        num_images: for training.

    Raises:
        UsageError: names the layer, the batch, and what to change.
    """
    fewest = num_images // steps_per_epoch(num_images, batch_size)
    layers = layers_that_follow_batches(network)
    if fewest > 1 or not layers:
        return
    for name, shape in _input_shapes(network, image, layers).items():
        if shape.numel() == shape[1]:  # (1, C), (1, C, 1) or (1, C, 1, 1)
            wider = ", larger images" if len(shape) == 4 else ""
            raise UsageError(
                f"layer '{name}' normalises each of its {shape[1]} channels by the batch, but has one value "
                "of each in an image, which has no spread: "
                f"{_one_image(batch_size, num_images)}{wider}, or a network without batch normalisation there"
            )


def _input_shapes(network: nn.Module, image: Tensor, layers: Sequence[str]) -> dict[str, torch.Size]:
    """What each of these layers that is reached sees of an image."""
    shapes: dict[str, torch.Size] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: shapes.update({name: inputs[0].shape})

    handles = [network.get_submodule(name).register_forward_pre_hook(keep(name)) for name in layers]
    try:
        with evaluation_mode(network), torch.inference_mode():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def _one_image(batch_size: int, num_images: int) -> str:
    """Why a step has one image, and what to take instead."""
    if num_images == 1:
        return "there is one image to train on. Take more images"
    enough = next(
        size
        for size in range(batch_size + 1, num_images + 1)
        if num_images // steps_per_epoch(num_images, size) > 1
    )
    where = (
        "each step has one image"
        if batch_size == 1
        else f"of {num_images:,} training images in steps of up to {batch_size} one step gets a single image"
    )
    return f"{where}. Take --batch-size {enough} or more"


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
