"""The report's section on the network: a drawing in the shapes of its layers, and their table."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from convscope.errors import ConvscopeError
from convscope.networks.summary import LayerSummary, Summary, Total
from convscope.report.palette import FACE, themed
from convscope.report.palette import LIGHT as COLOUR
from convscope.runs.folder import NETWORK, Run
from convscope.wording import rounded

_MOST_STAGES = 8
_HIGH, _TOP, _BASE = 118, 8, 132  # of the drawing, in pixels
_STEP = 82
_LETTERS = 14
"""In a line below a box."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Layers in a row whose outputs have one shape."""

    name: str
    shape: tuple[int, ...]
    layers: int
    parameters: int


@dataclass(frozen=True, kw_only=True)
class NetworkSection:
    """What the section shows."""

    svg: str
    alt: str
    layers: tuple[LayerSummary, ...]
    parameters: int
    flops: int


def network_section(run: Run) -> NetworkSection | None:
    """The section for the run's classifier; None for a run that has none yet."""
    found = _kept(run) or _built(run)
    if found is None:
        return None
    shown = stages(found)
    return NetworkSection(
        svg=themed(_drawing(found.image_shape, shown)),
        alt=f"From the image to the answer: {', '.join(f'{each.name} {_by(each.shape)}' for each in shown)}",
        layers=found.layers,
        parameters=found.total.parameters,
        flops=found.total.flops,
    )


def _kept(run: Run) -> Summary | None:
    """The layers as the run has written them down."""
    if not run.has(NETWORK):
        return None
    kept = run.read(NETWORK)
    pairs = ("receptive_field", "stride")
    layers = [
        LayerSummary(
            **{**layer, "output_shape": tuple(layer["output_shape"])}
            | {name: layer[name] and tuple(layer[name]) for name in pairs}
        )
        for layer in kept["layers"]
    ]
    channels, height, width = kept["image_shape"]
    return Summary(image_shape=(channels, height, width), layers=tuple(layers), total=Total(**kept["total"]))


def _built(run: Run) -> Summary | None:
    """The layers of the classifier itself, for a run that has not written them down."""
    # Seconds of importing, which most reports do without.
    from convscope.classifier.classifier import Classifier
    from convscope.networks.following.summarising import summarise

    try:
        classifier = Classifier.load(run.path)
        preprocessing = classifier.preprocessing
        return summarise(classifier.network, (preprocessing.channels, *preprocessing.size))
    except ConvscopeError:
        return None


def stages(found: Summary) -> list[Stage]:
    """The layers, those in a row with one shape of output together; the middle of very many is left out."""
    joined: list[Stage] = []
    for layer in found.layers:
        shape = layer.output_shape
        weights = layer.weights + layer.biases
        if not shape:
            continue
        if joined and joined[-1].shape == shape:
            last = joined[-1]
            joined[-1] = replace(last, layers=last.layers + 1, parameters=last.parameters + weights)
        else:
            joined.append(Stage(name=layer.name, shape=shape, layers=1, parameters=weights))
    return _thinned(joined)


def _thinned(joined: list[Stage]) -> list[Stage]:
    """Neighbours of one height and width taken together, until few enough are left; the last ones stay."""
    while len(joined) > _MOST_STAGES:
        unlike = [one.shape[1:] != other.shape[1:] for one, other in itertools.pairwise(joined[:-1])]
        place = min(range(len(unlike)), key=lambda at: (unlike[at], joined[at].parameters))
        one, other = joined[place], joined[place + 1]
        layers, parameters = one.layers + other.layers, one.parameters + other.parameters
        joined[place : place + 2] = [replace(other, layers=layers, parameters=parameters)]
    return joined


def _drawing(image: tuple[int, int, int], shown: Sequence[Stage]) -> str:
    """A box for each stage: its height is that of the maps, its width grows with the channels."""
    boxes = [Stage(name="image", shape=image, layers=0, parameters=0), *shown]
    tallest = max(_side(each.shape) for each in boxes)
    width, parts = 12.0, []
    for stage in boxes:
        high = max(4.0, _HIGH * math.sqrt(_side(stage.shape) / tallest))
        wide = 6 + 5 * math.log2(max(1, stage.shape[0]))
        room = max(_STEP, wide + 18)
        x, y = width + (room - wide) / 2, _TOP + (_HIGH - high) / 2
        colour = COLOUR["quiet"] if stage.layers == 0 else COLOUR["train"]
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="2" fill="{colour}"/>'
        )
        name, lines = _in_two(stage.name), _lines(stage)
        parts += [
            _label(width + room / 2, _BASE + 13 * row, text, "ink" if row < len(name) else "quiet")
            for row, text in enumerate([*name, *lines])
        ]
        width += room
    size = f'viewBox="0 0 {width + 12:.0f} 203" width="{width + 12:.0f}" height="203"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FACE}">{"".join(parts)}</svg>'


def _in_two(name: str) -> list[str]:
    """A long name in two lines, where its last part begins: `blocks.1.0.` and `conv_pw`."""
    if len(name) <= _LETTERS:
        return [name]
    place = name.rfind(".") + 1 or name.rfind("_") + 1 or len(name) // 2
    start, end = name[:place], name[place:]
    return [
        start if len(start) <= _LETTERS else f"…{start[1 - _LETTERS :]}",
        end if len(end) <= _LETTERS else f"{end[: _LETTERS - 1]}…",
    ]


def _lines(stage: Stage) -> list[str]:
    lines = [_by(stage.shape)]
    if stage.layers > 1:
        lines.append(f"{stage.layers} layers")
    if stage.parameters:
        lines.append(f"{short_count(stage.parameters)} weights")
    return lines


def _label(x: float, y: float, text: str, colour: str) -> str:
    fill = f'fill="{COLOUR[colour]}"'
    return (
        f'<text x="{x:.1f}" y="{y + 11:.1f}" text-anchor="middle" font-size="11" {fill}>{escape(text)}</text>'
    )


def _side(shape: tuple[int, ...]) -> int:
    return max(shape[1:], default=1)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(length) for length in shape)


def short_count(count: int) -> str:
    """`242 k`, `3.37 M`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{rounded(count / size)} {unit}"
    return str(count)
