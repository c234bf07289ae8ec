"""An augmentation: a list of operations, applied to a whole batch from (seed, step)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor

from convscope.data.augmentation.colour import (
    blur_images,
    change_colours,
    draw_blur,
    draw_colour_maps,
    draw_noise,
)
from convscope.data.augmentation.draws import step_generator
from convscope.data.augmentation.geometry import draw_maps, resamples, sample
from convscope.data.augmentation.mixing import draw_mixture, draw_rectangles, erase_rectangles, mix
from convscope.data.augmentation.operations import EdgePadding, FlipHorizontal, FlipVertical, Operation
from convscope.data.augmentation.parse import in_order, operations_text, parse_operations
from convscope.data.augmentation.pixels import copy_pixels, draw_moves

Stage = tuple[Callable[..., Tensor], tuple[Tensor, ...]]
"""A change of images, and what was drawn for it: tensors whose first axis is the image."""


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
            Images `(N, C, H, W)` float32 in 0..1 on the same device, not yet standardised, channels last in
            memory as convolutions want them; and the targets: the labels as given; with mixup or cutmix
            `(N, num_classes)` float32 shares, or `(N,)` mixed numbers.

        Raises:
            TypeError: the images are not uint8; floats would be scaled twice.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f"augmentation takes uint8 images, not {images.dtype}")
        generator = step_generator(seed, step)
        stages = _draw_stages(self.operations, images.shape, generator)
        size = (images.shape[-2], images.shape[-1])
        mixture = draw_mixture(self.operations, len(images), size, generator)
        changed = _change(images, stages)
        if mixture is None:
            return changed, labels
        return mix(changed, labels, mixture, num_classes)


def _draw_stages(
    operations: tuple[Operation, ...], shape: torch.Size, generator: torch.Generator
) -> list[Stage]:
    """The changes in the order of application, with their draws for every image."""
    count, channels, height, width = shape
    size = (height, width)
    stages: list[Stage] = []
    flips = tuple(item for item in operations if isinstance(item, FlipHorizontal | FlipVertical))
    sampled = operations if resamples(operations) else ()
    copied = tuple(item for item in operations if item not in flips) if sampled else operations
    if (moves := draw_moves(copied, count, size, generator)) is not None:
        stages.append((copy_pixels, moves))
    stages.append((_floats, ()))
    if (maps := draw_maps(sampled, count, size, generator)) is not None:
        repeat_edge = any(isinstance(item, EdgePadding) for item in operations)
        stages.append((partial(sample, repeat_edge=repeat_edge), (maps,)))
    if (kernels := draw_blur(operations, count, generator)) is not None:
        stages.append((blur_images, (kernels,)))
    if (colours := draw_colour_maps(operations, count, channels, generator)) is not None:
        stages.append((change_colours, colours))
    if (noise := draw_noise(operations, shape, generator)) is not None:
        stages.append((_add_noise, (noise,)))
    if (erased := draw_rectangles(operations, count, size, generator)) is not None:
        stages.append((erase_rectangles, (erased,)))
    return stages


def _change(images: Tensor, stages: list[Stage]) -> Tensor:
    """All stages, on the CPU for a few images at a time so that these stay in its cache."""
    result = torch.empty(
        images.shape, dtype=torch.float32, device=images.device, memory_format=torch.channels_last
    )
    chunk = _chunk_size(images)
    for start in range(0, len(images), chunk):
        part = images[start : start + chunk]
        for change, drawn in stages:
            part = change(part, *(tensor[start : start + chunk].to(images.device) for tensor in drawn))
        result[start : start + chunk] = part
    return result


def _chunk_size(images: Tensor) -> int:
    """Images at a time: all of them on a GPU; on the CPU about a megabyte of floats for each thread."""
    if images.device.type != "cpu":
        return max(1, len(images))
    return torch.get_num_threads() * max(1, _CHUNK_VALUES // max(1, images.shape[1:].numel()))


_CHUNK_VALUES = 2**18
"""Values for each thread in a chunk (measured by benchmarks/augmentation.py: see its result)."""


def _floats(images: Tensor) -> Tensor:
    return images.float().div_(255)


def _add_noise(images: Tensor, noise: Tensor) -> Tensor:
    return (images + noise).clamp_(0, 1)
