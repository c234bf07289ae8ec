"""From images to logits, changing nothing: not a weight, a buffer, a mode or a random state."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.wording import some
from convscope.work import counted

BATCH_SIZE = 256
PIXELS_PER_BATCH = 256 * 64 * 64


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[nn.Module]:
    """The network with dropout off and batch statistics fixed; every module's own mode comes back after.

    For a network that nobody else uses meanwhile, as in training: of two threads the first to leave would put
    the other's forward pass into training. What may be shared goes through `in_evaluation_mode`.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield network
    finally:
        for module, training in modes:
            module.training = training


def in_evaluation_mode(network: nn.Module) -> nn.Module:
    """The network itself where it is in evaluation mode, else a twin that is: it shares weights and buffers.

    The network's own modes are not touched, so that several threads may ask at once, and one of them train.
    """
    if not any(module.training for module in network.modules()):
        return network
    shared: dict[int, object] = {id(each): each for each in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, shared).eval()


def compute_logits(
    network: nn.Module,
    preprocessing: Preprocessing,
    images: Images,
    *,
    batch_size: int | None = None,
    mirrored: bool = False,
) -> Tensor:
    """Logits float32 `(N, num_classes)`, on the CPU, of uint8 images `(N, C, H, W)`; in evaluation mode.

    With `mirrored`, the mean of those of each image and of its mirror image.
    """
    if batch_size is None:
        batch_size = max(1, min(BATCH_SIZE, PIXELS_PER_BATCH // (images.shape[-1] * images.shape[-2])))
    device = next(network.parameters()).device
    network = in_evaluation_mode(network)
    logits = torch.empty(0, 0)
    starts = range(0, len(images), batch_size)
    sizes = [min(batch_size, len(images) - start) for start in starts]
    for start in counted(starts, f"answers for {some(len(images), 'image')}", weights=sizes):
        with torch.inference_mode():
            batch = preprocessing.standardise(images[start : start + batch_size].to(device))
            outputs = network(batch).float().cpu()
            if mirrored:
                outputs = (outputs + network(batch.flip(3)).float().cpu()) / 2
        if start == 0:
            # One tensor for all: a small one kept from each batch would hold on to the heap around it, and
            # 20,000 photos would need 2 GB more (benchmarks/photo_memory.py).
            logits = torch.empty(len(images), *outputs.shape[1:])
        logits[start : start + len(outputs)] = outputs
    return logits
