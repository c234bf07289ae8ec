"""A few images of a source as they are read, and as training draws them again and again."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data.augmentation import Augmentation
from convscope.data.pixels.reading import PixelFormat, as_array, decode_fitted
from convscope.data.quarantine import BrokenImage
from convscope.data.source_images import fit_arrays
from convscope.data.sources import ArraySource, FileSource

_SPARE = 3
"""Files looked at for each that is wanted, as some may be broken."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Some images with their labels."""

    images: NDArray[np.uint8]
    """(N, C, H, W)."""
    labels: tuple[str, ...]


def take_samples(source: FileSource | ArraySource, form: PixelFormat, count: int) -> Samples:
    """Up to `count` images, evenly spread over those that may be trained on; broken files are passed over."""
    if isinstance(source, ArraySource):
        return _of_arrays(source, form, count)
    items = [item for item in source.items if item.split in (None, "train")] or list(source.items)
    pictures, labels = [], []
    for place in _spread(len(items), _SPARE * count):
        try:
            pictures.append(as_array(decode_fitted(items[place].read(), form)))
        except BrokenImage:
            continue
        labels.append(str(items[place].label))
    chosen = _spread(len(pictures), count)
    images = (
        np.stack([pictures[place] for place in chosen]) if chosen else np.empty((0, *form.shape), np.uint8)
    )
    return Samples(images, tuple(labels[place] for place in chosen))


def draw_as_trained(
    samples: Samples, augmentation: Augmentation, *, seed: int, draws: int
) -> NDArray[np.uint8]:
    """What the first steps of a training see of some images: uint8 (N, draws, C, H, W)."""
    images = torch.from_numpy(samples.images)
    labels = torch.arange(len(images))
    steps = [
        augmentation.apply(images, labels, num_classes=len(images), seed=seed, step=step)[0]
        for step in range(draws)
    ]
    return (torch.stack(steps, 1) * 255).round().clamp(0, 255).to(torch.uint8).numpy()


def draw_for_head(samples: Samples, *, mirrored: bool) -> NDArray[np.uint8]:
    """All that a head on frozen features is fitted on: each image, and its mirror image where that counts."""
    seen = [samples.images, samples.images[..., ::-1]] if mirrored else [samples.images]
    return np.ascontiguousarray(np.stack(seen, axis=1))


def _of_arrays(source: ArraySource, form: PixelFormat, count: int) -> Samples:
    splits = source.splits or (None,) * len(source.ids)
    rows = [row for row, split in enumerate(splits) if split in (None, "train")] or list(range(len(splits)))
    chosen = [rows[place] for place in _spread(len(rows), count)]
    labels = source.labels[chosen].tolist()
    names = source.class_names
    images = fit_arrays(replace(source, images=source.images[chosen]), form)
    return Samples(images, tuple(names[label] if names else f"{label:g}" for label in labels))


def _spread(total: int, count: int) -> list[int]:
    count = min(total, count)
    return [int((place + 0.5) * total / count) for place in range(count)]
