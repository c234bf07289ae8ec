"""From images to logits, changing nothing: not a weight, a buffer, a mode or a random state."""

import copy
from collections.abc import Callable, Iterator, Mapping
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
    return twin_of(network).eval()


def twin_of(network: nn.Module, instead: Mapping[nn.Module, nn.Module] | None = None) -> nn.Module:
    """A copy that shares weights and buffers; with other modules in place of some of the network's."""
    known: dict[int, object] = {id(each): each for each in (*network.parameters(), *network.buffers())}
    known |= {id(one): other for one, other in (instead or {}).items()}
    return copy.deepcopy(network, known)


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
    network = in_evaluation_mode(network)
    device = next(network.parameters()).device

    def forward(batch: Tensor, _: Tensor) -> tuple[Tensor]:
        outputs = network(batch).float()
        return ((outputs + network(batch.flip(3)).float()) / 2 if mirrored else outputs,)

    found = in_batches(forward, device, preprocessing, images, batch_size)
    return found[0] if found else torch.empty(0, 0)


def in_batches(
    forward: Callable[[Tensor, Tensor], tuple[Tensor, ...]],
    device: torch.device,
    preprocessing: Preprocessing,
    images: Images,
    batch_size: int | None = None,
) -> tuple[Tensor, ...]:
    """What `forward` gives for images, each tensor `(N, …)` on the CPU, without gradients.

    Args:
        forward: a function of standardised images `(n, C, H, W)`, and of their pixels, both on the device.
        device: where it computes.
        preprocessing: how images are standardised.
        images: uint8 `(N, C, H, W)`; of none, nothing is given.
        batch_size: how many go through at a time; by their size unless given.
    """
    if batch_size is None:
        batch_size = max(1, min(BATCH_SIZE, PIXELS_PER_BATCH // (images.shape[-1] * images.shape[-2])))
    found: tuple[Tensor, ...] = ()
    starts = range(0, len(images), batch_size)
    sizes = [min(batch_size, len(images) - start) for start in starts]
    for start in counted(starts, f"answers for {some(len(images), 'image')}", weights=sizes):
        with torch.inference_mode():
            pixels = images[start : start + batch_size].to(device)
            outputs = [each.cpu() for each in forward(preprocessing.standardise(pixels), pixels)]
        if len(starts) == 1:
            found = tuple(each.clone() for each in outputs)  # inference mode's own take no part in gradients
            continue
        if start == 0:
            # One tensor for all: a small one kept from each batch would hold on to the heap around it, and
            # 20,000 photos would need 2 GB more (benchmarks/photo_memory.py).
            found = tuple(torch.empty(len(images), *each.shape[1:], dtype=each.dtype) for each in outputs)
        for whole, part in zip(found, outputs, strict=True):
            whole[start : start + len(part)] = part
    return found
