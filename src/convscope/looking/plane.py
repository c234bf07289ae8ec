"""Does the last hidden layer keep the classes apart?"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.errors import UsageError
from convscope.inspection.hidden_values import HiddenValues, last_hidden_values
from convscope.inspection.planes import Plane, PlaneMethod, plane
from convscope.looking.subject import MOST_JUDGED, Split, Subject, spread

NEIGHBOURS = 10

_SMALL_SIDE = 48


@dataclass(frozen=True, kw_only=True)
class NeighbourShare:
    """Of each image's nearest others, how many are of its own class.

    Attributes:
        nearest: how many others are looked at.
        share: of its own class, 0 to 1, the mean over the images.
        most: what `share` can be at most: a class of three images has two others to offer.
        by_chance: what it would be if values knew nothing of classes.
    """

    nearest: int
    share: float
    most: float
    by_chance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenPlane:
    """Images as points in two dimensions.

    Attributes:
        laid: the points.
        labels: (N,), the true class of each point.
        predicted: (N,), what it was taken for.
        layer: the layer whose input was laid out.
        split: of the images.
        ids: (N,), what the images are called.
        pixels: uint8 (N, C, h, w), small.
        neighbours: in all dimensions; None where no image has another of its class.
        is_flat: whether the layer sees all images alike, so that there is nothing to lay out.
    """

    laid: Plane
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    layer: str
    split: Split
    ids: tuple[str, ...]
    pixels: NDArray[np.uint8]
    neighbours: NeighbourShare | None
    is_flat: bool = False


def hidden_values_of(subject: Subject) -> tuple[HiddenValues, NDArray[np.int64]]:
    """The last hidden layer's values for up to 1,000 judged images, and their true classes."""
    if not subject.class_names:
        raise UsageError("the network answers with a number: there are no classes to colour a plane by")
    images = subject.judging
    rows = spread(len(images), MOST_JUDGED)
    stream = (
        subject.standardised(subject.images(images, rows[start : start + 64]))
        for start in range(0, len(rows), 64)
    )
    return last_hidden_values(subject.network, stream), images.labels.numpy()[rows]


def see_plane(
    subject: Subject, hidden: HiddenValues, labels: NDArray[np.int64], method: PlaneMethod
) -> SeenPlane:
    """The images as points in two dimensions."""
    laid = plane(hidden.values, method=method)
    images = subject.judging
    rows = spread(len(images), MOST_JUDGED)[laid.indices]
    return SeenPlane(
        laid=laid,
        labels=labels[laid.indices],
        predicted=hidden.logits.argmax(axis=1)[laid.indices],
        layer=hidden.output_layer,
        split=subject.judging_split,
        ids=tuple(images.ids[row] for row in rows.tolist()),
        pixels=_small(subject.images(images, rows)),
        neighbours=neighbours_of_own_class(hidden.values, labels),
        is_flat=len(hidden.values) > 1 and not np.ptp(hidden.values, axis=0).any(),
    )


def _small(images: Tensor) -> NDArray[np.uint8]:
    """Uint8 (N, C, H, W), no side longer than 48 pixels."""
    factor = -(-max(images.shape[2:]) // _SMALL_SIDE)
    if factor > 1:
        images = torch.nn.functional.avg_pool2d(images.float(), factor).round().to(torch.uint8)
    return np.asarray(images.numpy(), dtype=np.uint8)


def neighbours_of_own_class(values: NDArray[np.float32], labels: NDArray[np.int64]) -> NeighbourShare | None:
    """Of each row's ten nearest others, in all dimensions, the share that has its label.

    None where no row has another of its label: then there is nothing that could be near.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(values) - 1)
    _, sizes = np.unique(labels, return_counts=True)
    if count < 1 or int(sizes.max()) < 2:
        return None
    _, places = NearestNeighbors(n_neighbors=count + 1).fit(values).kneighbors(values)
    agreeing = labels[_others(places)] == labels[:, None]
    own = sizes - 1  # others of its class, for each of a class's images
    total = len(labels)
    return NeighbourShare(
        nearest=count,
        share=float(agreeing.mean()),
        most=float((sizes * np.minimum(own, count)).sum() / (total * count)),
        by_chance=float((sizes * own).sum() / (total * (total - 1))),
    )


def _others(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Neighbours (N, k + 1) without the row itself, which comes first only where no other equals it."""
    is_self = places == np.arange(len(places))[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # more equals than neighbours: any one may go
    others: NDArray[np.int64] = places[~is_self].reshape(len(places), -1)
    return others
