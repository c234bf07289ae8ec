"""A few images of a source to look at, without loading it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.config.asked import DataConfig
from convscope.data.pixels.decoding import Reading, decode
from convscope.data.preprocessing import fit_image
from convscope.data.quarantine import BrokenImage
from convscope.data.sources import ArraySource, open_source

LARGEST_SIDE = 192


@dataclass(frozen=True, eq=False)
class Samples:
    """Images `(N, 3, H, W)` uint8 with their labels, spread evenly over a source."""

    images: NDArray[np.uint8]
    labels: tuple[str, ...]


def take_samples(config: DataConfig, count: int) -> Samples:
    """Up to `count` images of a source, evenly spread; broken files are passed over.

    Raises:
        DataError: the source is absent, unsafe or has no classes.
    """
    source = open_source(config)
    if isinstance(source, ArraySource):
        rows = _spread(len(source.ids), count)
        labels = source.labels[rows].tolist()
        images = np.broadcast_to(source.images[rows], (len(rows), 3, *source.images.shape[2:]))
        names = source.class_names
        return Samples(np.ascontiguousarray(images), tuple(names[n] if names else f"{n:g}" for n in labels))
    pictures, labels = [], []
    for row in _spread(len(source.items), 2 * count):
        item = source.items[row]
        try:
            image = decode(
                item.read(),
                channels=3,
                reading=Reading(max_pixels=config.max_pixels),
                target_size=LARGEST_SIDE,
            )
        except BrokenImage:
            continue
        pictures.append(np.asarray(fit_image(image, (LARGEST_SIDE, LARGEST_SIDE), "pad")).transpose(2, 0, 1))
        labels.append(str(item.label))
    chosen = _spread(len(pictures), count)
    images = np.stack([pictures[row] for row in chosen]) if chosen else np.empty((0, 3, 1, 1), np.uint8)
    return Samples(images, tuple(labels[row] for row in chosen))


def _spread(total: int, count: int) -> list[int]:
    count = min(total, count)
    return [int((place + 0.5) * total / count) for place in range(count)]
