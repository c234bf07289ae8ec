"""From pixels of more than 8 bits to 8: what is white depends on the camera, and so on the whole source."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.data.quarantine import BrokenImage

WHITE_16 = 65_535
"""White where all 16 bits are used."""
_WHITES = (255, 1_023, 4_095, 16_383, WHITE_16)
"""Of sensors with 8, 10, 12, 14 and 16 bits, whose values files of 16 bits hold."""
_LOW_BYTES = {
    ";16B": ";16L",
    ";16L": ";16B",
    ";16N": ";16B" if sys.byteorder == "little" else ";16L",
}
"""Read in the other order of bytes, a value's low byte stands where Pillow looks for the high one."""

_PLANAR = 284
"""A TIFF's tag."""

Open = Callable[[], Image.Image]


def white_of(brightest: int) -> int:
    """The white of the narrowest usual sensor that gives such a value."""
    return next(white for white in _WHITES if brightest <= white)


def is_deep(image: Image.Image) -> bool:
    """Whether a file that is open but not yet read holds more than 8 bits a value that can be had.

    Not those of floats, nor of a TIFF that keeps its colours in planes of their own.
    """
    if getattr(image, "tag_v2", {}).get(_PLANAR) == 2:
        return False
    return image.mode.startswith("I") or (
        image.mode in ("RGB", "RGBA") and _raw_mode(image)[-4:] in _LOW_BYTES
    )


def deep_values(image: Image.Image, reopen: Open) -> NDArray[np.int64]:
    """All values of an image that `is_deep`, (H, W) or (H, W, C).

    Pillow reads colours of 16 bits as 8, and gives the other 8 when it is told that the bytes are swapped.

    Raises:
        BrokenImage: they are no numbers of 16 bits.
    """
    raw_mode = _raw_mode(image)
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.size and (values.min() < 0 or values.max() > WHITE_16):
            raise BrokenImage("values are below 0 or above 65,535: convert them to 16 bits")
        return values
    if raw_mode == "LA;16B":
        _read_as(image, "RGBA")  # grey and alpha, a high and a low byte of each
        pairs = np.asarray(image).astype(np.int64)
        return pairs[..., ::2] << 8 | pairs[..., 1::2]
    high = np.asarray(image).astype(np.int64)
    with reopen() as again:
        _read_as(again, raw_mode[:-4] + _LOW_BYTES[raw_mode[-4:]])
        return high << 8 | np.asarray(again).astype(np.int64)


def colours_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Deep values without those that say how opaque a pixel is."""
    return values[..., :-1] if values.ndim == 3 and values.shape[2] in (2, 4) else values


def to_eight_bits(values: NDArray[np.int64], white: int) -> Image.Image:
    """Values from 0 to `white`, (H, W) or (H, W, 3), scaled to a grey or colour image.

    Raises:
        BrokenImage: some are brighter than white.
    """
    brightest = int(values.max(initial=0))
    if brightest > white:
        raise BrokenImage(
            f"values up to {brightest:,}, brighter than white ({white:,}) in the images trained on"
        )
    return Image.fromarray(((values * 255 + white // 2) // white).astype(np.uint8))


def _raw_mode(image: Image.Image) -> str:
    tiles: Any = getattr(image, "tile", ())
    arguments: Any = tiles[0].args if tiles else ""
    return str(arguments[0]) if isinstance(arguments, tuple) and arguments else str(arguments)


def _read_as(image: Any, new: str) -> None:
    image.tile = [
        tile._replace(args=new if isinstance(tile.args, str) else (new, *tile.args[1:]))
        for tile in image.tile
    ]
