"""An augmentation: a list of operations, applied to a whole batch from (seed, step)."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from convscope.data.augmentation.draws import step_generator
from convscope.data.augmentation.geometry import draw_maps, sample
from convscope.data.augmentation.operations import Operation
from convscope.data.augmentation.parse import in_order, operations_text, parse_operations
from convscope.data.augmentation.pixels import copy_pixels, draw_source_index


@dataclass(frozen=True)
class Augmentation:
    """What is done at random to a batch of training images.

    The draws depend on (seed, step) and the operations alone, never on the global random state, and are made
    on the CPU: a resumed run, and one on another device, sees the same augmentation.
    """

    operations: tuple[Operation, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From a preset and changes to it: `"photos"`, `"photos, hue=0.05"`, `"flip-horizontal, shift=0.1"`.

        Raises:
            UsageError: an unknown name, or a strength out of range.
        """
        return cls(parse_operations(text))

    def __post_init__(self) -> None:
        object.__setattr__(self, "operations", in_order(self.operations))

    def __str__(self) -> str:
        return operations_text(self.operations)

    def apply(
        self, images: Tensor, labels: Tensor, *, num_classes: int, seed: int, step: int
    ) -> tuple[Tensor, Tensor]:
        """A new batch; the one given stays as it is.

        Args:
            images: `(N, C, H, W)` uint8, straight from the data set.
            labels: `(N,)` int64 class indices, or `(N,)` float numbers to predict.
            num_classes: classes of the data set; used when labels are mixed.
            seed: the run's seed.
            step: optimizer update that the batch is for.

        Returns:
            Images `(N, C, H, W)` float32 in 0..1 on the same device, not yet standardised, and the targets:
            the labels as given.
        """
        count, size = len(images), (images.shape[-2], images.shape[-1])
        generator = step_generator(seed, step)
        source_index = draw_source_index(self.operations, count, size, generator)
        maps = draw_maps(self.operations, count, size, generator)
        if source_index is not None:
            images = copy_pixels(images, source_index)
        floats = images.float() / 255
        if maps is not None:
            floats = sample(floats, maps.to(images.device))
        return floats, labels
