"""An augmentation: a list of operations, applied to a whole batch from (seed, step)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn

from convscope.data.augmentation.colour import (
    blur_images,
    change_colours,
    draw_blur,
    draw_colour_maps,
    draw_noise,
)
from convscope.data.augmentation.draws import step_generator
from convscope.data.augmentation.geometry import (
    copied_and_sampled,
    copy_pixels,
    draw_maps,
    draw_moves,
    sample,
)
from convscope.data.augmentation.mixing import draw_mixture, draw_rectangles, erase_rectangles, mix
from convscope.data.augmentation.operations import EdgePadding, Operation, find
from convscope.data.augmentation.text import in_order, operations_text, parse_operations

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

    @property
    def mirrors(self) -> bool:
        """Whether a mirror image counts as the same."""
        return "flip-horizontal" in str(self)

    def apply(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        num_classes: int,
        seed: int,
        step: int,
        rows: slice = slice(None),
    ) -> tuple[Tensor, Tensor]:
        """A new batch, or some rows of it; the one given stays as it is.

        Args:
            images: `(N, C, H, W)` uint8, straight from the data set.
            labels: `(N,)` int64 class indices, or `(N,)` float numbers to predict.
            num_classes: classes of the data set; used when labels are mixed.
            seed: the run's seed.
            step: optimizer update that the batch is for.
            rows: which images of the batch are wanted. Draws are made for all, so that each comes out the
                same, to the bit, whoever asks for it.

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
        own = torch.arange(len(images))[rows]
        if mixture is None:
            return _change(images, stages, own), labels[rows]
        partner, weight = mixture.partner[own], mixture.weight.to(images.device)
        needed = torch.cat([own, partner[~torch.isin(partner, own)]])
        place = torch.empty(len(images), dtype=torch.int64)
        place[needed] = torch.arange(len(needed))
        is_number = labels.is_floating_point()
        targets = labels if is_number else nn.functional.one_hot(labels, num_classes).float()
        return mix(
            _change(images, stages, needed),
            targets[needed],
            partner=place[partner],
            weight=weight[rows],
            share=weight.mean((1, 2, 3))[rows],
        )


def _draw_stages(
    operations: tuple[Operation, ...], shape: torch.Size, generator: torch.Generator
) -> list[Stage]:
    """The changes in the order of application, with their draws for every image of the batch."""
    count, channels, height, width = shape
    size = (height, width)
    stages: list[Stage] = []
    copied, sampled = copied_and_sampled(operations)
    repeat_edge = find(operations, EdgePadding) is not None
    if copied:
        stages.append((copy_pixels, draw_moves(copied, count, size, generator, repeat_edge=repeat_edge)))
    stages.append((_floats, ()))
    if sampled:
        maps = draw_maps(sampled, count, size, generator)
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


def _change(images: Tensor, stages: list[Stage], rows: Tensor) -> Tensor:
    """These rows after all stages; on the CPU a few images at a time, so that they stay in its cache."""
    result = torch.empty(
        (len(rows), *images.shape[1:]),
        dtype=torch.float32,
        device=images.device,
        memory_format=torch.channels_last,
    )
    chunk = _chunk_size(images)
    for start in range(0, len(rows), chunk):
        some = rows[start : start + chunk]
        part = images.index_select(0, some.to(images.device))
        for change, drawn in stages:
            part = change(part, *(tensor.index_select(0, some).to(images.device) for tensor in drawn))
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
