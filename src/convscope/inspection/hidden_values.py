"""What the last hidden layer says of each image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.image_batches import Images, in_batches
from convscope.inspection.layers import check_images


@dataclass(frozen=True, kw_only=True)
class HiddenValues:
    """What goes into the layer that computes the logits.

    values: (N, D). logits: (N, num_classes). output_layer: the name of that layer; `values` are its inputs.
    """

    values: NDArray[np.float32]
    logits: NDArray[np.float32]
    output_layer: str


def last_hidden_values(network: nn.Module, images: Images, *, batch_size: int = 64) -> HiddenValues:
    """Return the last hidden layer's values for standardised images: (N, C, H, W), or batches of these.

    The output layer is the linear layer or convolution that runs last; a convolution's input is averaged
    over its height and width.
    """
    values: list[Tensor] = []
    logits: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        hidden = inputs[0].detach()
        values.append((hidden.mean(dim=(2, 3)) if hidden.ndim == 4 else hidden.flatten(1)).float().cpu())

    name = ""
    with borrowed(network), torch.no_grad():
        for batch in in_batches(images, batch_size):
            check_images(batch)
            batch = batch.to(device_of(network))
            if not name:
                name = _output_layer(network, batch[:1])
                network.get_submodule(name).register_forward_pre_hook(keep)
            logits.append(network(batch).float().cpu())
    return HiddenValues(values=torch.cat(values).numpy(), logits=torch.cat(logits).numpy(), output_layer=name)


def _output_layer(network: nn.Module, image: Tensor) -> str:
    """Return the name of the layer with weights that runs last, found with one image."""
    ran: list[str] = []
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):

            def note(module: nn.Module, inputs: Any, name: str = name) -> None:
                ran.append(name)

            handles.append(module.register_forward_pre_hook(note))
    try:
        network(image)
    finally:
        for handle in handles:
            handle.remove()
    if not ran or ran[-1] == "":
        raise UsageError("the network has no hidden layer: its input is what the last layer sees")
    return ran[-1]
