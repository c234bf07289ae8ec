"""Images in batches, whether they come as one tensor or as a stream."""

from collections.abc import Callable, Iterable, Iterator

from torch import Tensor, split

from convscope.errors import UsageError

Images = Tensor | Iterable[Tensor]
"""One tensor (N, C, H, W), or batches of such a shape; all images of one size."""

Standardise = Callable[[Tensor], Tensor]
"""From uint8 (N, C, H, W) to standardised float32 of the same shape."""


def in_batches(images: Images, batch_size: int) -> Iterator[Tensor]:
    """Yield the batches of a stream as they are, or a tensor in parts of `batch_size`; UsageError if none."""
    batches = split(images, batch_size) if isinstance(images, Tensor) else images
    empty = True
    for batch in batches:
        if len(batch):
            empty = False
            yield batch
    if empty:
        raise UsageError("there are no images to look at: give at least one")
