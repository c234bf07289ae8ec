"""One plate of what excites a network's units, layer by layer, and what in those patches does (E19)."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.palette import LIGHT, rgb
from convscope.report.paper.canvas import block, picture_of
from convscope.report.paper.lettering import shortened, width_of, word
from convscope.report.pictures.patches import patch_pictures, projection_pictures
from convscope.trials.features import Features, LayerFeatures
from convscope.wording import percent

_SIDE = 74  # of a patch, in pixels
_ACROSS = 2  # patches in a row of a block: four of each unit
_TEXT, _SMALL = 22, 18
_GREY = 127.5
_GAP, _WIDE_GAP = 6, 30
_LEFT, _TOP = 218, 46


def features_plate(features: Features) -> Image.Image:
    """A row for each layer: of a few units the four strongest patches, and beside them what excites the unit.

    Projections are drawn on their own scale around mid-grey, where a pixel says nothing.
    """
    block_side = _ACROSS * _SIDE + 3
    pair = 2 * block_side + _GAP
    most = max(_units(layer) for layer in features.layers)
    width, height = _LEFT + most * (pair + _WIDE_GAP), _TOP + len(features.layers) * (block_side + 22)
    canvas = Image.new("RGB", (width, height), rgb(LIGHT["paper"]))
    _write(canvas, (8, 10), _heading(features), _SMALL, "ink", room=width - 16)
    for row, layer in enumerate(features.layers):
        top = _TOP + row * (block_side + 22)
        _write_name(canvas, layer, top)
        for column, (patches, projections) in enumerate(_blocks(layer)):
            left = _LEFT + column * (pair + _WIDE_GAP)
            canvas.paste(patches, (left, top))
            canvas.paste(projections, (left + block_side + _GAP, top))
    return canvas


def _units(layer: LayerFeatures) -> int:
    return len(layer.projected.excitation.patches.units)


def _blocks(layer: LayerFeatures) -> list[tuple[Image.Image, Image.Image]]:
    """Of each unit its patches and its projections, (block, block)."""
    patches = patch_pictures(layer.projected.excitation.patches)
    projections = projection_pictures(layer.projected.projections)
    return [
        (_block(patches[unit]), _block(projections[unit], is_signal=True)) for unit in range(_units(layer))
    ]


def _block(pictures: NDArray[np.uint8], *, is_signal: bool = False) -> Image.Image:
    """The first four of (k, C, h, w), all of one size; small ones as sharp squares."""
    smooth = max(pictures.shape[2:]) >= _SIDE
    how = Image.Resampling.BOX if smooth else Image.Resampling.NEAREST
    shown = [picture_of(each).resize((_SIDE, _SIDE), how) for each in pictures[: _ACROSS**2]]
    if is_signal and smooth:
        shown = [_stretched(each) for each in shown]
    return block(shown, _ACROSS)


def _stretched(signal: Image.Image) -> Image.Image:
    """As strong around mid-grey as it was before its pixels were averaged, which cancels most of it."""
    away = np.asarray(signal, dtype=np.float64) - _GREY
    limit = float(np.quantile(np.abs(away), 0.99)) or 1.0
    return Image.fromarray(np.clip(_GREY + away / limit * _GREY, 0, 255).round().astype(np.uint8))


def _heading(features: Features) -> str:
    methods = {layer.projected.projections.method for layer in features.layers}
    method = "deconvnet" if methods == {"deconvnet"} else "guided backpropagation"
    return (
        f"{features.network}, of {features.images:,} images: for each unit the patches that excite it most, "
        f"and what in them does, by {method}"
    )


def _write_name(canvas: Image.Image, layer: LayerFeatures, top: int) -> None:
    (high, wide), whole = layer.field.size, layer.field.image_size
    sees = "the whole image" if high >= whole[0] and wide >= whole[1] else f"{high}×{wide} pixels"
    lines = [(layer.layer, _TEXT, "ink"), (f"sees {sees}", _SMALL, "quiet")]
    if np.isfinite(layer.same_class):
        lines.append((f"{percent(layer.same_class, 0)} of one class", _SMALL, "quiet"))
    for text, size, colour in lines:
        _write(canvas, (8, top), text, size, colour, room=_LEFT - 24)
        top += round(size * 1.4)


def _write(
    canvas: Image.Image, corner: tuple[int, int], text: str, size: int, colour: str, *, room: int
) -> None:
    """In a smaller size where there is little room, and shortened where that is not enough."""
    while width_of(text, size) > room and size > 13:
        size -= 1
    drawn = word(shortened(text, room, size), size, LIGHT[colour])
    canvas.paste(drawn, corner, drawn)
