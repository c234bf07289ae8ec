"""Which images held out are training images too, or nearly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.dataset import Dataset, ImageSet
from convscope.diagnosis.rule import AbsentError
from convscope.looking.subject import spread

Floats = NDArray[np.float64]
Pair = tuple[str, str]

_SIDE = 16
_STEPS = 28
"""An image is moved by this part of its side: by a pixel of a digit."""
_LARGE = 2 * _STEPS
"""Larger images are made this small before they are moved, and are seen in still fewer pixels."""
_CHUNK = 500
_MOST_KNOWN = 20_000
_FEWEST = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Neighbours:
    """How near images are to the training images.

    Attributes:
        own: (n,), of training images to the nearest other one that is no copy and of no common series.
        met: by split, (m,), of images held out to the nearest training image.
        closest: by split, the paths of its nearest image, and of the training image beside that.
    """

    own: Floats
    met: Mapping[str, Floats]
    closest: Mapping[str, Pair]


def shared_images(dataset: Dataset) -> tuple[Pair, ...]:
    """The paths of each image held out that is a training image too, by content, and of that one."""
    at = dict(zip(dataset.train.hashes, dataset.train.ids, strict=True))
    return tuple(
        (name, at[digest])
        for images in (dataset.validation, dataset.test)
        for name, digest in zip(images.ids, images.hashes, strict=True)
        if digest in at
    )


def neighbours(train: ImageSet, others: Mapping[str, ImageSet], most: int) -> Neighbours:
    """The nearest training image of up to `most` images of each split.

    Small grey copies are compared, each brought to mean 0 and length 1, so that neither brightness nor
    contrast counts; of the several ways to move one by a little and to mirror it, the nearest counts, of
    training images as of others.

    Raises:
        AbsentError: the training images are copies or series of one another, nearly all.
    """
    known_rows = spread(len(train), _MOST_KNOWN)
    known = torch.cat([next(ways) for ways in _copies(train, known_rows)]).T
    places = spread(len(known_rows), most)
    own, _ = _nearest(train, known_rows[places], known, _together(train, known_rows, places))
    alone = own[own > -1]
    if len(alone) < _FEWEST:
        raise AbsentError("too few training images that are no copies or series of one another")
    met, closest = {}, {}
    for split, images in others.items():
        rows = spread(len(images), most)
        nearness, beside = _nearest(images, rows, known)
        best = int(nearness.argmax())
        met[split] = 1 - nearness
        closest[split] = images.ids[rows[best]], train.ids[known_rows[beside[best]]]
    return Neighbours(own=1 - alone, met=met, closest=closest)


def _nearest(
    images: ImageSet, rows: NDArray[np.int64], known: Tensor, forbidden: Tensor | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Of each image's products with the known ones (D, N), in the best of its ways, the largest; with which.

    Args:
        forbidden: (n, N), of which pairs are not asked; where none is left, the product is -1.
    """
    nearness, beside = [], []
    start = 0
    for ways in _copies(images, rows):
        best = next(ways) @ known
        for way in ways:
            best = torch.maximum(best, way @ known)
        if forbidden is not None:
            best[forbidden[start : start + len(best)]] = -1.0
        start += len(best)
        values, indices = best.max(dim=1)
        nearness.append(values.double().numpy())
        beside.append(indices.numpy())
    return np.concatenate(nearness), np.concatenate(beside)


def _together(train: ImageSet, rows: NDArray[np.int64], places: NDArray[np.int64]) -> Tensor:
    """(n, N): which of the rows are the image at each place itself, or stay with it on one side."""
    number = np.asarray(train.clusters)[rows] if train.clusters else rows
    return torch.from_numpy(number[places][:, None] == number[None])


def _copies(images: ImageSet, rows: NDArray[np.int64]) -> Iterator[Iterator[Tensor]]:
    """Of some images at a time, directions (n, side * side): as they are, moved, and mirrored."""
    for start in range(0, len(rows), _CHUNK):
        some = images.images[torch.from_numpy(rows[start : start + _CHUNK])]
        grey = some.float().mean(1, keepdim=True) / 255
        if min(grey.shape[-2:]) > _LARGE:
            grey = nn.functional.adaptive_avg_pool2d(grey, _LARGE)
        yield (_directions(way) for way in _ways(grey))


def _ways(grey: Tensor) -> Iterator[Tensor]:
    """The same pictures (n, 1, H, W), first as they are."""
    height, width = grey.shape[-2:]
    down, right = (max(1, round(side / _STEPS)) for side in (height, width))
    for mirrored in (grey, grey.flip(-1)):
        framed = nn.functional.pad(mirrored, (right, right, down, down), mode="replicate")
        for top in (down, 0, 2 * down):
            for left in (right, 0, 2 * right):
                yield framed[..., top : top + height, left : left + width]


def _directions(grey: Tensor) -> Tensor:
    small = nn.functional.adaptive_avg_pool2d(grey, _SIDE).flatten(1)
    centred = small - small.mean(dim=1, keepdim=True)
    length: Tensor = centred.norm(dim=1, keepdim=True)
    return centred / length.clamp(min=1e-9)
