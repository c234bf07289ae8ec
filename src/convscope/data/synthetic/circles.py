"""Circles in the plane: placing them at random a distance apart, and drawing them as anti-aliased discs."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MOST_ROUNDS = 200
"""Rounds of tries for one circle before its image is begun anew."""


def place_circles(distances: Floats, generator: np.random.Generator) -> Floats:
    """Centres in [-1, 1]², one circle after the other, each drawn again until it is far enough from others.

    Random sequential addition: uniform over what the circles before have left free. An image in which no
    place is left is begun anew.

    Args:
        distances: `(N, K, K)`, the least distance of any two circles of each image.
        generator: source of the draws.

    Returns:
        `(N, K, 2)` float32, x and y.
    """
    count, circles, _ = distances.shape
    centres = np.zeros((count, circles, 2), np.float32)
    begun = np.arange(count)
    while begun.size:
        stuck = np.zeros(0, np.int64)
        alive = begun
        for circle in range(circles):
            left = _place_one(centres, distances, circle, alive, generator)
            stuck = np.concatenate([stuck, left])
            alive = np.setdiff1d(alive, left, assume_unique=True)
        begun = stuck
    return centres


def _place_one(
    centres: Floats, distances: Floats, circle: int, images: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Place one circle in each of these images, in `centres`; returns those in which it found no place."""
    waiting = images
    for _ in range(_MOST_ROUNDS):
        if not waiting.size:
            break
        tries = 2 + circle // 4  # about as many as it takes
        tried = generator.random((waiting.size, tries, 2), np.float32) * 2 - 1
        free: NDArray[np.bool_] = np.ones((waiting.size, tries), bool)
        if circle:
            away = tried[:, :, None] - centres[waiting, None, :circle]  # (images, tries, circles before, 2)
            squared = away[..., 0] ** 2 + away[..., 1] ** 2
            free = np.all(squared >= distances[waiting, None, circle, :circle] ** 2, axis=2)
        found = free.any(1)
        first = free.argmax(1)
        centres[waiting[found], circle] = tried[found, first[found]]
        waiting = waiting[~found]
    return waiting


def draw_discs(centres: Floats, radii: Floats, size: int, half_width: float) -> Floats:
    """How much of each pixel is covered by discs.

    A pixel whose centre lies within half a pixel of a disc's rim is covered in part; where discs overlap the
    larger share counts.

    Args:
        centres: `(N, K, 2)` x and y in the plane, y upwards.
        radii: `(N, K)` in the plane.
        size: side of the picture in pixels.
        half_width: the picture shows [-half_width, half_width]².

    Returns:
        `(N, size, size)` float32 from 0 to 1.
    """
    count, circles, _ = centres.shape
    scale = size / (2 * half_width)
    columns = (centres[..., 0] + half_width) * scale - 0.5  # in pixels, 0 at the centre of the first one
    rows = (half_width - centres[..., 1]) * scale - 0.5
    margin = int(np.ceil(radii.max() * scale + 0.5)) + 1
    canvas = np.zeros((count, size + 2 * margin, size + 2 * margin), np.float32)
    image = np.arange(count)[:, None, None]
    for circle in range(circles):
        radius = radii[:, circle] * np.float32(scale)
        reach = np.arange(-np.ceil(radius.max() + 0.5), np.ceil(radius.max() + 0.5) + 1).astype(np.int64)
        row, column = np.rint(rows[:, circle]).astype(np.int64), np.rint(columns[:, circle]).astype(np.int64)
        down = (reach + (row - rows[:, circle])[:, None]).astype(np.float32)
        right = (reach + (column - columns[:, circle])[:, None]).astype(np.float32)
        away = np.sqrt(down[:, :, None] ** 2 + right[:, None, :] ** 2)
        cover = np.clip(radius[:, None, None] + np.float32(0.5) - away, 0, 1)
        place = (
            image,
            (row[:, None] + reach + margin)[:, :, None],
            (column[:, None] + reach + margin)[:, None, :],
        )
        canvas[place] = np.maximum(canvas[place], cover)
    return canvas[:, margin:-margin, margin:-margin]


def drawn_area(radius_in_pixels: Floats) -> Floats:
    """Pixels that `draw_discs` covers with one disc, on average over its places: pi (r² + 1/12)."""
    return (np.pi * (radius_in_pixels**2 + 1 / 12)).astype(np.float32)


def equal_sums(cover: Floats, total: int) -> NDArray[np.uint8]:
    """Shares `(N, H, W)` as whole numbers 0..255 whose sum is exactly `total` in every image.

    What is missing or too much is spread evenly over the pixels that are covered in part.

    Raises:
        ValueError: the rims are too short to take up the difference.
    """
    levels = np.rint(cover * 255).astype(np.int64).reshape(len(cover), -1)
    missing = total - levels.sum(1)
    while missing.any():
        step = np.sign(missing)[:, None]
        rim = (levels > 0) & (levels < 255) & (levels + step > 0) & (levels + step < 255) & (step != 0)
        if not rim[missing != 0].any(1).all():
            raise ValueError("no pixel is left to take up the difference")
        chosen = rim & (np.cumsum(rim, 1) <= np.abs(missing)[:, None])
        levels += chosen * step
        missing = total - levels.sum(1)
    return levels.astype(np.uint8).reshape(cover.shape)
