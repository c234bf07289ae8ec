"""The last layer of a network: what it sees, and what is written into it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convscope.classifier.backbone import head_layer
from convscope.classifier.logits import evaluation_mode
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.wording import some
from convscope.work import counted

BATCH_SIZE = 32


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A fitted last layer.

    Attributes:
        weight: float32 `(num_outputs, F)`.
        bias: float32 `(num_outputs,)`.
        strength: the L2 penalty that did best on held-out images.
        held_out_loss: cross-entropy, or mean squared error, there: mean over the folds.
    """

    weight: Tensor
    bias: Tensor
    strength: float
    held_out_loss: float


def compute_features(network: nn.Module, preprocessing: Preprocessing, images: Images) -> Tensor:
    """What the head sees: float32 `(N, F)`, on the CPU, of images `(N, C, H, W)`, uint8 or float 0-1."""
    layer = head_layer(network)
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].float().cpu())

    device, starts = next(network.parameters()).device, range(0, len(images), BATCH_SIZE)
    sizes = [min(BATCH_SIZE, len(images) - start) for start in starts]
    handle = layer.register_forward_pre_hook(keep)
    try:
        with evaluation_mode(network), torch.inference_mode():
            for start in counted(starts, f"features of {some(len(images), 'image')}", weights=sizes):
                network(preprocessing.standardise(images[start : start + BATCH_SIZE].to(device)))
    finally:
        handle.remove()
    return torch.cat(seen) if seen else torch.empty(0, layer.in_features)


@torch.no_grad()
def install_head(network: nn.Module, head: LinearHead) -> None:
    """Write a fitted head into the network's last layer."""
    layer = head_layer(network)
    layer.weight.copy_(head.weight)
    if layer.bias is not None:
        layer.bias.copy_(head.bias)
