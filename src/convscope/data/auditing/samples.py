"""A few images of a source as they are read, and as training draws them again and again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data.augmentation import Augmentation
from convscope.data.pixels.reading import Box, PixelFormat, as_array, decode_into
from convscope.data.quarantine import BrokenImage
from convscope.data.source_images import fit_arrays
from convscope.data.sources import ArraySource, FileSource


@dataclass(frozen=True, eq=False)
class Samples:
    """Some images with their labels."""

    images: NDArray[np.uint8]
    """(N, C, H, W)."""
    labels: tuple[str, ...]
    contents: tuple[Box, ...] = ()
    """Where in each the image lies, and no padding: left, top, right, bottom."""


def take_samples(source: FileSource | ArraySource, form: PixelFormat, count: int) -> Samples:
    """Up to `count` images of those that may be trained on; broken files are passed over.

    Every class comes in its turn, so that each is there where `count` allows it.
    """
    if isinstance(source, ArraySource):
        return _of_arrays(source, form, count)
    items = [item for item in source.items if item.split in (None, "train")] or list(source.items)
    pictures: list[NDArray[np.uint8]] = []
    labels: list[str] = []
    contents: list[Box] = []
    for place in in_turn([str(item.label) for item in items]):
        if len(pictures) == count:
            break
        try:
            picture, content = decode_into(items[place].read(), form)
        except BrokenImage:
            continue
        pictures.append(as_array(picture))
        contents.append(content)
        labels.append(str(items[place].label))
    images = np.stack(pictures) if pictures else np.empty((0, *form.shape), np.uint8)
    order = sorted(range(len(labels)), key=lambda place: _natural(labels[place]))
    return Samples(
        images[order], tuple(labels[place] for place in order), tuple(contents[place] for place in order)
    )


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
    turns = in_turn([str(label) for label in source.labels[rows].tolist()])[:count]
    chosen = sorted((rows[place] for place in turns), key=lambda row: float(source.labels[row]))
    labels = source.labels[chosen].tolist()
    names = source.class_names
    images = fit_arrays(replace(source, images=source.images[chosen]), form)
    return Samples(images, tuple(names[label] if names else f"{label:g}" for label in labels))


def in_turn(labels: Sequence[str]) -> list[int]:
    """Places in the order in which to show them: one of each class, then the next of each.

    Of each class those in its middle first, then further apart: neighbours in a folder are often alike.
    """
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    ranked = []
    for own in places.values():
        step = max(1, round(len(own) * 0.382))  # never soon the same again
        while math.gcd(step, len(own)) != 1:
            step += 1
        start = len(own) // 2
        ranked += [(turn, own[(start + turn * step) % len(own)]) for turn in range(len(own))]
    return [place for _, place in sorted(ranked)]


def _natural(label: str) -> tuple[float, str]:
    """Numbers by their size, and words by their letters behind them."""
    try:
        return float(label), ""
    except ValueError:
        return math.inf, label
