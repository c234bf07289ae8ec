"""Which layers, units and images are telling, and how much can be looked at in a minute or two."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from convscope.inspection.borrowing import borrowed
from convscope.inspection.layers import LayerTaps, find_layer, last_spatial_layer
from convscope.looking.subject import Subject, spread
from convscope.networks.following.shapes import output_shapes
from convscope.networks.following.summarising import summarise

SAMPLE = 128
"""Training images by which units are chosen."""

_MAP_SIDE = 7  # of the coarsest map that still says where: of the networks which class maps were made for
_HEAVY_FLOPS = 7e8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a look looks at.

    layers: the layers whose units are shown, in the order of the pass. filters: the convolutions whose
    weights are shown. is_heavy: whether one image takes so long that fewer must do.
    """

    layers: tuple[str, ...]
    filters: tuple[str, ...]
    is_heavy: bool


def make_plan(subject: Subject, layers: Sequence[str] = ()) -> Plan:
    """The first convolution, one in the middle and the last one, unless layers are named.

    Raises UsageError, with the valid names, for a layer that the network does not have.
    """
    for name in layers:
        find_layer(subject.network, name)
    spatial = spatial_convolutions(subject)
    windows = [name for name in spatial if max(_kernel(subject.network, name)) > 1]
    named_windows = tuple(name for name in layers if isinstance(find_layer(subject.network, name), nn.Conv2d))
    return Plan(
        layers=tuple(layers) or _first_middle_last(spatial),
        filters=named_windows if layers else _first_middle_last(windows)[:2],
        is_heavy=summarise(subject.network, subject.image_shape).total.flops >= _HEAVY_FLOPS,
    )


def spatial_convolutions(subject: Subject) -> list[str]:
    """The convolutions whose output has a height and width, in the order of the pass."""
    shapes = output_shapes(subject.network, subject.image_shape)
    return [
        name
        for name, shape in shapes.items()
        if isinstance(subject.network.get_submodule(name), nn.Conv2d)
        and len(shape) == 3
        and shape[1] * shape[2] > 1
    ]


def reads_the_image(subject: Subject, layer: str) -> bool:
    """Whether a layer is the convolution that the image itself goes into."""
    first = next((each for each in subject.network.modules() if isinstance(each, nn.Conv2d)), None)
    return find_layer(subject.network, layer) is first


def telling_units(subject: Subject, layers: Sequence[str], count: int) -> dict[str, tuple[int, ...]]:
    """For each layer the units whose strongest answer differs most from image to image, the first most.

    Measured as the standard deviation, over some training images, of a unit's largest value in an image: a
    unit that answers alike to all images tells nothing of any.
    """
    train = subject.dataset.train
    images = subject.images(train, spread(len(train), SAMPLE))
    strongest: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
    with borrowed(subject.network), torch.no_grad():
        taps = LayerTaps(subject.network, list(layers))
        for batch in torch.split(images, 32):
            taps.run(
                subject.standardised(batch),
                lambda layer, output: (
                    strongest[layer].append(output.flatten(2).amax(2).float().cpu())
                    if output.ndim > 2
                    else strongest[layer].append(output.float().cpu())
                ),
            )
    return {layer: _most_varied(torch.cat(values).numpy(), count) for layer, values in strongest.items()}


def _most_varied(strongest: NDArray[np.float32], count: int) -> tuple[int, ...]:
    """From (N, units) to unit numbers."""
    order = np.argsort(-strongest.std(axis=0), kind="stable")
    return tuple(order[:count].tolist())


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Rows of the judged split: right answers of different classes, and the errors of greatest loss."""

    right: tuple[int, ...]
    wrong: tuple[int, ...]


def telling_images(subject: Subject, count: int) -> Cases:
    """A few images to ask where the network looks.

    For a network that answers with a number: those that it comes nearest to, and those it misses most.
    """
    judged = subject.judged
    labels = subject.judging.labels.numpy()[judged.rows]
    if not subject.class_names:
        order = np.argsort(np.abs(judged.outputs[:, 0] - labels), kind="stable")
        nearest, furthest = order[:count], order[::-1][: min(count, len(order) - count)]
        return Cases(right=_rows(judged.rows, nearest), wrong=_rows(judged.rows, furthest))
    predicted = judged.outputs.argmax(axis=1)
    shifted = judged.outputs - judged.outputs.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(shifted, labels[:, None], 1)[:, 0]
    loss = np.log(np.exp(shifted).sum(axis=1)) - chosen
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-loss[wrong], kind="stable")][:count]
    right = _one_of_each_class(np.flatnonzero(predicted == labels), labels, count)
    return Cases(right=_rows(judged.rows, right), wrong=_rows(judged.rows, worst))


def _one_of_each_class(places: NDArray[np.int64], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The first image of each class, then the second of each, …, until there are `count`."""
    met: dict[int, int] = {}
    rank = []
    for place in places.tolist():
        label = int(labels[place])
        met[label] = met.get(label, 0) + 1
        rank.append(met[label])
    return places[np.argsort(rank, kind="stable")][:count]


def _rows(rows: NDArray[np.int64], places: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(rows[places].tolist())


@dataclass(frozen=True, kw_only=True)
class MapLayer:
    """A layer whose maps say where, and whether its channels are averaged right behind it."""

    name: str
    is_pooled_globally: bool


def layer_for_class_maps(subject: Subject) -> MapLayer:
    """The last layer with maps of at least 7×7: coarser ones hardly say where.

    Raises UsageError where no layer has an output with height and width, or where it is not known which axes
    they are.
    """
    smallest = min(_MAP_SIDE, *subject.image_shape[1:])
    name = last_spatial_layer(subject.network, subject.image_shape, smallest)
    return MapLayer(name=name, is_pooled_globally=_is_pooled_behind(subject, name))


def _is_pooled_behind(subject: Subject, name: str) -> bool:
    """Whether what follows a layer's maps is one value of each, and no sum that weighs them."""
    shapes = output_shapes(subject.network, subject.image_shape)
    own = shapes[name]
    later = list(shapes)[list(shapes).index(name) + 1 :]
    behind = next((each for each in later if shapes[each] != own), "")
    is_weighed = isinstance(subject.network.get_submodule(behind), nn.Linear | nn.Conv2d)
    return shapes[behind] in ((own[0], 1, 1), (own[0],)) and not is_weighed


def _kernel(network: nn.Module, name: str) -> tuple[int, ...]:
    module = network.get_submodule(name)
    return tuple(module.kernel_size) if isinstance(module, nn.Conv2d) else (1,)


def _first_middle_last(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return tuple(dict.fromkeys((names[0], names[len(names) // 2], names[-1])))
