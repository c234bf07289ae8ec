"""Which images make up which step: a function of (seed, epoch) and nothing else, so that a run can go on."""

import hashlib

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from the parts: the same everywhere, and unrelated for neighbouring steps."""
    digest = hashlib.blake2b("/".join(str(part) for part in parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Steps in which every image is seen once."""
    return max(1, -(-num_images // batch_size))


def epoch_batches(
    num_images: int, batch_size: int, *, seed: int, epoch: int, weights: Tensor | None = None
) -> tuple[Tensor, ...]:
    """The indices of each step of one epoch, shuffled; sizes differ by at most one image.

    A short last batch would weigh its few images more than others, and leave batch normalisation one image to
    measure; so the images are spread evenly over the steps. With `weights` `(N,)`, images are drawn with
    replacement in proportion to them.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    if weights is None:
        order = torch.randperm(num_images, generator=generator)
    else:
        order = torch.multinomial(weights, num_images, replacement=True, generator=generator)
    return order.tensor_split(steps_per_epoch(num_images, batch_size))
