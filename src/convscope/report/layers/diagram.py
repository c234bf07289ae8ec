"""The layers of a network as a drawing in their shapes, each leading to its own page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from convscope.inspection.arithmetic.operators import WEIGHING
from convscope.inspection.arithmetic.trace import TracedLayer
from convscope.report.palette import FACE

_HIGH, _TOP, _BASE = 108, 10, 126
_STEP = 84
_LETTERS = 15


@dataclass(frozen=True, kw_only=True)
class Group:
    """A layer that weighs, and what follows it up to the next: normalisation, non-linearity, pooling, sum."""

    layers: tuple[TracedLayer, ...]

    @property
    def name(self) -> str:
        """Of the layer that it begins with."""
        return self.layers[0].name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what it gives on."""
        return self.layers[-1].shape


def grouped(layers: Sequence[TracedLayer]) -> list[Group]:
    """The layers in groups, the image alone in the first."""
    groups: list[list[TracedLayer]] = []
    for layer in layers:
        if not groups or layer.kind in WEIGHING or groups[-1][0].kind == "image":
            groups.append([])
        groups[-1].append(layer)
    return [Group(layers=tuple(group)) for group in groups]


def layer_diagram(groups: Sequence[Group], link: Callable[[str], str], chosen: str = "") -> Markup:
    """The groups from the image to the answer: as high as their maps, as wide as they have units.

    Args:
        groups: as `grouped` gives them.
        link: from a layer's name to an address; the image has none.
        chosen: the layer that is shown, whose group is marked.
    """
    tallest = max(_side(group.shape) for group in groups)
    tall = _BASE + 46 + 14 * any("." in group.name for group in groups)
    width, parts = 8.0, []
    for group in groups:
        is_image = group.layers[0].kind == "image"
        is_chosen = any(layer.name == chosen for layer in group.layers)
        high = max(5.0, _HIGH * math.sqrt(_side(group.shape) / tallest))
        wide = 8 + 5 * math.log2(max(1, group.shape[0]))
        room = max(_STEP, wide + 18)
        x, y = width + (room - wide) / 2, _TOP + (_HIGH - high) / 2
        fill = "var(--quiet)" if is_image else "var(--validation)" if is_chosen else "var(--train)"
        box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="2" fill="{fill}"/>'
        ground = f'<rect x="{width:.1f}" y="0" width="{room:.1f}" height="{tall}" fill="transparent"/>'
        around, _, name = group.name.rpartition(".")  # `blocks.0.0.conv_dw`: its own name, and where it is
        lines = [_shortened(name), "×".join(map(str, group.shape)), _rest(group), _shortened(around)]
        texts = "".join(
            f'<text x="{width + room / 2:.1f}" y="{_BASE + 11 + 14 * row}" '
            f'fill="{"var(--ink)" if row == 0 else "var(--quiet)"}">{escape(line)}</text>'
            for row, line in enumerate(lines)
        )
        said = escape(f"{group.name}, {'×'.join(map(str, group.shape))}")
        if is_image:
            parts.append(box + texts)
        else:
            here = ' aria-current="true"' if is_chosen else ""
            address = escape(link(group.name))
            parts.append(f'<a href="{address}" aria-label="{said}"{here}>{ground}{box}{texts}</a>')
        width += room
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" viewBox="0 0 {width + 8:.0f} {tall}" '
        f'width="{width + 8:.0f}" height="{tall}" font-family="{FACE}" font-size="11" text-anchor="middle" '
        f'role="group" aria-label="The layers from the image to the answer">{"".join(parts)}</svg>'
    )


def _rest(group: Group) -> str:
    words = {"normalisation": "norm", "non-linearity": "ReLU", "pooling": "pool", "sum": "+"}
    rest = list(dict.fromkeys(words.get(layer.kind, layer.kind) for layer in group.layers[1:]))
    return " · ".join(rest)


def _shortened(name: str) -> str:
    return name if len(name) <= _LETTERS else f"…{name[-_LETTERS + 1 :]}"


def _side(shape: tuple[int, ...]) -> int:
    return max(shape[1:], default=1)
