"""Which patterns of weights does a network lay over its input: filters, or a template for each class?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.filters import LayerFilters, layer_filters
from convscope.inspection.layers import find_layer
from convscope.looking.subject import Subject

MOST_SHOWN = 64
MOST_TEMPLATES = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenFilters:
    """The filters of a convolution, and those worth showing.

    Attributes:
        found: all of them.
        shown: the largest, their numbers, the largest first.
        channel: the input channel that is shown; None where all three are, as colours.
        asked_channel: the one that a reader asked for.
        reads_image: whether the layer's input is the image itself.
    """

    found: LayerFilters
    shown: NDArray[np.int64]
    channel: int | None
    asked_channel: int | None
    reads_image: bool

    @property
    def weights(self) -> NDArray[np.float32]:
        """Of those shown: (n, 3, h, w) for colours, else (n, h, w)."""
        if self.channel is None:
            return self.found.weights[self.shown]
        return self.found.of_channel(self.channel)[self.shown]


def see_filters(subject: Subject, layer: str, channel: int | None = None) -> SeenFilters:
    """The filters of a convolution, largest first: as colours for three channels, else for one channel.

    Args:
        subject: the run.
        layer: a convolution.
        channel: of the layer's input; for other than three the one with the largest weights unless given.

    Raises:
        UsageError: for a layer that is no convolution, or a channel that it does not read.
    """
    found = layer_filters(subject.network, layer)
    in_colour = found.weights.shape[1] == 3 and channel is None
    convolution = find_layer(subject.network, layer)
    return SeenFilters(
        found=found,
        shown=found.order[:MOST_SHOWN],
        channel=None if in_colour else _checked(found, channel),
        asked_channel=channel,
        reads_image=isinstance(convolution, nn.Conv2d) and convolution.in_channels == subject.image_shape[0],
    )


def _checked(found: LayerFilters, channel: int | None) -> int:
    channels = found.weights.shape[1]
    if channel is None:
        return int(np.square(found.weights).sum(axis=(0, 2, 3)).argmax())
    if not 0 <= channel < channels:
        raise UsageError(f"{found.layer} has input channels 0 to {channels - 1}, not {channel}")
    return channel


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenTemplates:
    """The weights that a linear network multiplies an image with, one template for each class.

    Attributes:
        layer: its one layer.
        weights: (classes, C, H, W), of at most 40 classes.
        names: of these classes; "the number" where the network answers with one.
    """

    layer: str
    weights: NDArray[np.float32]
    names: tuple[str, ...]


def see_templates(subject: Subject) -> SeenTemplates:
    """The templates of a network whose one layer with weights reads the image.

    Raises:
        UsageError: for any other network.
    """
    leaves = [(name, each) for name, each in subject.network.named_modules() if list(each.parameters(False))]
    if len(leaves) != 1 or not isinstance(leaves[0][1], nn.Linear):
        raise UsageError("no convolution here has filters larger than a point")
    layer, linear = leaves[0]
    weights = linear.weight.detach().float().cpu().numpy().reshape(-1, *subject.image_shape)
    names = subject.class_names or ("the number",)
    return SeenTemplates(layer=layer, weights=weights[:MOST_TEMPLATES], names=names[:MOST_TEMPLATES])
