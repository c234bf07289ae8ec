"""Nearly identical images: the same picture at another size, quality or in another format.

A descriptor of the coarse structure finds candidates, a comparison of pixels decides. The descriptor holds
the 64 lowest frequencies of a 32 × 32 grey copy, as in the perceptual hash "pHash" (Zauner, 2010), but as
numbers instead of signs: no copy is missed for a few flipped bits. Memory grows linearly with the images.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DESCRIPTOR_LENGTH = 63
"""8 × 8 frequencies without the mean."""

_SIDE = 32
_FREQUENCIES = 8
_LEAST_CONTRAST = 32.0
"""Length of a descriptor below which an image is too flat to be told from others: an even 1 grey level."""
_REACH = 0.12
"""Largest distance between the descriptors, each of length 1, of two copies."""
_MOST_CHECKED = 100_000
_STRETCH = 1 << 23
"""Scalar products at a time."""
_MOST_DIFFERENCE = 0.25
"""Largest root mean square difference of two copies, in standard deviations of the pixels. Copies of
photos at a quarter of the size and quality 50 come to 0.2, different photos to 0.6 and more."""
_MOST_DIFFERENCE_SMALL = 0.12
"""The same for images that were small to begin with: different digits of one class come down to 0.16."""
_CHECK_SIDE = 32
_FEWEST_LEFT = 4
"""Rows or columns that are compared, where flat ones are left out."""


def _cosines() -> NDArray[np.float32]:
    """The lowest frequencies of the orthonormal discrete cosine transform, `(8, 32)`."""
    frequencies, places = np.arange(_FREQUENCIES)[:, None], np.arange(_SIDE)
    cosines = np.sqrt(2 / _SIDE) * np.cos(np.pi * (2 * places + 1) * frequencies / (2 * _SIDE))
    cosines[0] = np.sqrt(1 / _SIDE)
    return np.asarray(cosines, dtype=np.float32)


_BASIS = _cosines()


def describe(image: Image.Image) -> NDArray[np.float32]:
    """Coarse structure of an image: (63,) float32."""
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    frequencies = _BASIS @ np.asarray(grey, dtype=np.float32) @ _BASIS.T
    return np.asarray(frequencies.ravel()[1:], dtype=np.float32)


def similar_pairs(
    descriptors: NDArray[np.float32], images: NDArray[np.uint8], rows: Sequence[int]
) -> list[tuple[int, int]]:
    """Pairs of images that show the same.

    Args:
        descriptors: (N, 63), of different images: identical ones were taken out before.
        images: (M, C, H, W) pixels for the final check; only those of candidates are read.
        rows: row in `images` of each descriptor.

    Returns:
        Pairs (smaller, larger) of indices into `descriptors`, sorted.
    """
    lengths = np.linalg.norm(descriptors, axis=1)
    candidates = np.flatnonzero(lengths >= _LEAST_CONTRAST)
    if len(candidates) < 2:
        return []
    directions = descriptors[candidates] / lengths[candidates, None]
    return sorted(
        (int(candidates[first]), int(candidates[second]))
        for first, second in _close(directions).tolist()
        if _same_picture(images[rows[candidates[first]]], images[rows[candidates[second]]])
    )


def _close(directions: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs within reach of each other, (pairs, 2), at most the 100,000 closest.

    All pairs are compared, a stretch at a time: memory stays small, and time does not depend on how alike
    the images are: about 4 CPU seconds for 40,000, 25 for 100,000.
    """
    least = 1 - _REACH**2 / 2  # the scalar product of two directions at the distance _REACH
    pairs, likeness = np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.float32)
    step = max(1, _STRETCH // len(directions))
    for start in range(0, len(directions), step):
        products = directions[start : start + step] @ directions[start:].T
        first, second = np.nonzero(products >= least)
        first, second = first[second > first], second[second > first]
        pairs = np.concatenate([pairs, np.stack([first, second], axis=1) + start])
        likeness = np.concatenate([likeness, products[first, second]])
        if len(pairs) > _MOST_CHECKED:
            closest = np.lexsort((pairs[:, 1], pairs[:, 0], -likeness))[:_MOST_CHECKED]
            pairs, likeness = pairs[closest], likeness[closest]
    return pairs


def _same_picture(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    one, other = map(_evened, _without_bars(_small(first), _small(second)))
    most = _MOST_DIFFERENCE if min(first.shape[1:]) >= 2 * _CHECK_SIDE else _MOST_DIFFERENCE_SMALL
    return float(np.sqrt(np.mean((one - other) ** 2))) <= most


def _without_bars(one: NDArray[np.float32], other: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Two small images without rows and columns that are flat in both: padding makes none more alike."""
    kept = [one, other]
    for along in (1, 2):  # rows are told by what stands along their columns, and columns by their rows
        told = np.any([np.ptp(image, axis=3 - along).max(axis=0) >= 1 for image in kept], axis=0)
        if told.sum() >= _FEWEST_LEFT:
            kept = [np.compress(told, image, axis=along) for image in kept]
    return kept


def _evened(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0 and deviation 1 over all pixels and channels: a copy may be paler, not recoloured."""
    evened = (pixels - pixels.mean()) / max(float(pixels.std()), 1.0)
    return np.asarray(evened, dtype=np.float32)


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Fewer than 64 pixels a side, as small copies have lost their details: (C, h, w) float32."""
    _, height, width = pixels.shape
    step = max(1, max(height, width) // _CHECK_SIDE)
    height, width = height // step * step, width // step * step
    blocks = pixels[:, :height, :width].reshape(len(pixels), height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)
