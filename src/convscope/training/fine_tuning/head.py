"""The last layer of a network: what it sees, and what is written into it."""

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convscope.classifier.backbone import head_layer
from convscope.classifier.logits import evaluation_mode
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.training.convolving.fast import fast_convolutions
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

    def batch(start: int, size: int = BATCH_SIZE) -> Tensor:
        return preprocessing.standardise(images[start : start + size].to(device))

    fast = fast_convolutions(network, torch.float32, frozen_on=batch(0, 1)) if starts else nullcontext()
    handle = layer.register_forward_pre_hook(keep)
    try:
        with evaluation_mode(network), torch.inference_mode(), fast:
            for start in counted(starts, f"features of {some(len(images), 'image')}", weights=sizes):
                network(batch(start))
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
