"""Which patterns of weights does a convolution lay over its input?"""

import numpy as np
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.filters import LayerFilters, layer_filters
from convscope.inspection.layers import find_layer
from convscope.report.looking.answer import Answer, file_name, some
from convscope.report.looking.subject import Subject
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import colour_filter_sheet, filter_sheet

_MOST_SHOWN = 64


def filters_of(subject: Subject, layer: str, channel: int | None = None) -> Answer:
    """The filters of a convolution, largest first: in colour for three channels, else for one channel.

    Args:
        subject: the run.
        layer: a convolution.
        channel: of the layer's input; for other than three the one with the largest weights unless given.

    Raises:
        UsageError: for a layer that is no convolution, or a channel that it does not read.
    """
    found = layer_filters(subject.network, layer)
    shown = found.order[:_MOST_SHOWN]
    in_colour = found.weights.shape[1] == 3 and channel is None
    chosen = None if in_colour else _checked(found, channel)
    heading = _heading(found, chosen)
    names = [str(index) for index in shown.tolist()]
    marks = _marks(found, shown.tolist())
    if chosen is None:
        weights = found.weights[shown]
        drawing = colour_filter_sheet(weights, limit=found.scale, names=names, marks=marks, heading=heading)
    else:
        weights = found.of_channel(chosen)[shown]
        drawing = filter_sheet(weights, limit=found.scale, names=names, marks=marks, heading=heading)
    alike = int((found.twin >= 0).sum())
    dead = int(found.dead.sum())
    size = f"{found.weights.shape[2]}×{found.weights.shape[3]}"
    finding = f"{some(len(found.weights), 'filter')} of {size}: {dead} dead, {alike} nearly like another"
    return Answer(
        about="filters",
        name=file_name("filters", layer, "" if channel is None else f"channel-{channel}"),
        title=f"The weights of {layer}",
        question=_question(subject, layer),
        finding=finding,
        layer=layer,
        picture=Picture(array=weights, drawing=drawing, alt=f"Filters of {layer}, largest first. {finding}."),
        numbers={
            "filters": len(found.weights),
            "shown": len(shown),
            "input_channel": chosen,
            "dead": dead,
            "nearly_identical": alike,
            "largest_weight": found.scale,
        },
    )


def _question(subject: Subject, layer: str) -> str:
    convolution = find_layer(subject.network, layer)
    if isinstance(convolution, nn.Conv2d) and convolution.in_channels == subject.image_shape[0]:
        return "Which pattern does each unit look for? Edges and blobs are healthy, noise is not."
    return "How does each unit weigh one of the maps that come in? Red adds to its answer, blue takes away."


def _checked(found: LayerFilters, channel: int | None) -> int:
    channels = found.weights.shape[1]
    if channel is None:
        return int(np.square(found.weights).sum(axis=(0, 2, 3)).argmax())
    if not 0 <= channel < channels:
        raise UsageError(f"{found.layer} has input channels 0 to {channels - 1}, not {channel}")
    return channel


def _heading(found: LayerFilters, channel: int | None) -> str:
    count, channels = found.weights.shape[:2]
    shown = f"{min(count, _MOST_SHOWN)} of {count}" if count > _MOST_SHOWN else f"{count}"
    of_channel = (
        f", for input channel {channel} (of 0 to {channels - 1})"
        if channel is not None and channels > 1
        else ""
    )
    return f"{found.layer}: {shown} filters, the largest first{of_channel}"


def _marks(found: LayerFilters, shown: list[int]) -> dict[int, str]:
    marks = {
        place: f"like {found.twin[index]}" for place, index in enumerate(shown) if found.twin[index] >= 0
    }
    return marks | {place: "dead" for place, index in enumerate(shown) if found.dead[index]}
