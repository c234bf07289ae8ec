"""Sheets of numbers as colour: filters, feature maps, and heat laid over an image."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.palette import diverging, sequential
from convscope.report.paper.canvas import (
    SMALL,
    TEXT,
    ColourBar,
    Sheet,
    Tile,
    draw,
    enlarge,
    picture_of,
    square_columns,
)
from convscope.report.paper.drawing import Drawing
from convscope.wording import rounded


def filter_sheet(
    filters: NDArray[np.float32],
    *,
    limit: float | None = None,
    names: Sequence[str] | None = None,
    marks: Mapping[int, str] | None = None,
    heading: str = "",
    notes: tuple[str, ...] = (),
) -> Drawing:
    """Filters on one symmetric scale: blue negative, white zero, red positive.

    Args:
        filters: (filters, height, width), for one input channel.
        limit: where the scale ends; the layer's largest absolute weight, so that sheets of one layer compare.
            That of `filters` unless given.
        names: under each filter; its index unless given.
        marks: what to say of some filters, by position: "dead", "like 3".
        heading, notes: stand above.
    """
    end = float(np.abs(filters).max()) if limit is None else limit
    pictures = [Image.fromarray(diverging(each, end)) for each in filters]
    ramp = diverging(np.linspace(-end, end, 101), end)
    bar = ColourBar(colours=ramp[None], labels=(rounded(-end), "0", rounded(end)), says="weight")
    return _sheet(pictures, names, marks or {}, (heading, *notes), bar)


def colour_filter_sheet(
    filters: NDArray[np.float32],
    *,
    limit: float | None = None,
    names: Sequence[str] | None = None,
    marks: Mapping[int, str] | None = None,
    heading: str = "",
    notes: tuple[str, ...] = ("A colour is what the unit looks for there; mid-grey is looked past.",),
) -> Drawing:
    """Filters over red, green and blue as colours, on one scale: mid-grey is zero in all three.

    Args:
        filters: (filters, 3, height, width).
        limit: the weight of a full or absent colour; the largest absolute one unless given.
        names: under each filter; its index unless given.
        marks: what to say of some filters, by position.
        heading, notes: stand above.
    """
    end = (float(np.abs(filters).max()) if limit is None else limit) or 1.0
    levels = np.round(127.5 * (1 + np.clip(filters / end, -1, 1))).astype(np.uint8)
    pictures = [picture_of(each) for each in levels]
    bar = ColourBar(
        colours=_colour_key(),
        labels=(rounded(-end), "0", rounded(end)),
        says="weight: of all three channels alike, of red alone, of green alone, of blue alone",
    )
    return _sheet(pictures, names, marks or {}, (heading, *notes), bar)


def map_sheet(
    maps: NDArray[np.float32],
    *,
    names: Sequence[str] | None = None,
    marks: Mapping[int, str] | None = None,
    heading: str = "",
    notes: tuple[str, ...] = (),
) -> Drawing:
    """A layer's outputs for one image, on one scale from the least to the greatest value.

    Maps with negative values, as before a ReLU, are drawn like filters: blue, white at zero, red.

    Args:
        maps: (units, height, width).
        names: under each map; its index unless given.
        marks: what to say of some units, by position.
        heading, notes: stand above.
    """
    low, high = float(maps.min()), float(maps.max())
    if low < 0:
        end = max(-low, high)
        pictures = [Image.fromarray(diverging(each, end)) for each in maps]
        ramp = diverging(np.linspace(-end, end, 101), end)
        bar = ColourBar(colours=ramp[None], labels=(rounded(-end), "0", rounded(end)), says="output")
    else:
        pictures = [Image.fromarray(sequential(each, 0.0, high)) for each in maps]
        ramp = sequential(np.linspace(0, 1, 101), 0, 1)
        bar = ColourBar(colours=ramp[None], labels=("0", rounded(high / 2), rounded(high)), says="output")
    return _sheet(pictures, names, marks or {}, (heading, *notes), bar)


def signed_overlay(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> Image.Image:
    """Lay signed heat over an image: the image pale and grey, red what is above zero, blue what is below.

    Args:
        image: uint8 (C, H, W).
        heat: (H, W); drawn relative to its largest absolute value.

    Raises:
        ValueError: when the two differ in height or width.
    """
    if image.shape[1:] != heat.shape:
        raise ValueError(f"image {image.shape[1:]} and heat {heat.shape} differ in height or width")
    limit = float(np.abs(heat).max()) or 1.0
    share = np.abs(heat / limit)[..., None]
    grey = 0.5 * np.asarray(picture_of(image).convert("L"), dtype=np.float64)[..., None] + 127
    ends = diverging(np.sign(heat), 1).astype(np.float64)
    return Image.fromarray(((1 - share) * grey + share * ends).round().astype(np.uint8))


def _sheet(
    pictures: Sequence[Image.Image],
    names: Sequence[str] | None,
    marks: Mapping[int, str],
    lines: tuple[str, ...],
    bar: ColourBar,
) -> Drawing:
    side = next(
        size for most, size in ((16, 144), (64, 104), (150, 80), (10**9, 60)) if len(pictures) <= most
    )
    captions = names if names is not None else [str(index) for index in range(len(pictures))]
    tiles = []
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        below = (caption, marks[index]) if index in marks else (caption,)
        tiles.append(Tile(picture=enlarge(picture, side), lines=below))
    text = TEXT if side > 80 else SMALL
    sheet = Sheet(
        tiles=tiles,
        columns=square_columns(len(tiles)),
        heading=lines[0],
        notes=lines[1:],
        bar=bar,
        text=text,
    )
    return draw(sheet)


def _colour_key() -> NDArray[np.uint8]:
    """What a weight looks like, from the least to the greatest, uint8 (4, 101, 3): alike, then one by one."""
    ramp = np.linspace(0, 255, 101).round().astype(np.uint8)
    key = np.full((4, 101, 3), 128, dtype=np.uint8)
    key[0] = ramp[:, None]
    for channel in range(3):
        key[1 + channel, :, channel] = ramp
    return key
