"""From the bytes of a file to an upright image of 8 bits: the one way in, for training and prediction alike.

What a file is, its content says; its extension is never asked. Choices that show in the pixels: the EXIF
orientation is applied · transparent pixels lie on white, or on black where the image would vanish on white ·
values of 16 bits are scaled to 8 by what is white in their source, not cut off · of an animation, the first
frame counts · colour profiles are ignored · JPEGs much larger than needed are decoded at 1/2, 1/4 or 1/8 of
their size (libjpeg scales in the frequency domain), never below the size asked for.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from convscope.data.pixels.depth import WHITE_16, Open, colours_of, deep_values, is_deep, to_eight_bits
from convscope.data.pixels.formats import RAW, is_raw, name_unreadable
from convscope.data.pixels.metadata import without_metadata
from convscope.data.pixels.pillow import open_quietly, without_pillows_limit, without_warnings
from convscope.data.quarantine import BrokenImage, NotNow

DECODER_VERSION = 3
"""Rises whenever the same bytes give other pixels, so that cached pixels are made anew."""

DEFAULT_MAX_PIXELS = 100_000_000

_TIFF = (b"II*\0", b"MM\0*")
_WIDTH_TAG, _HEIGHT_TAG = 0x0100, 0x0101
_ORIENTATION_TAG, _DNG_VERSION, _SUB_IMAGES, _IMAGE_KIND = 0x0112, 50_706, 330, 254
_NO_MEMORY = "too large for the memory"
_VISIBLE = 32
"""Levels of 256 by which a pixel stands out from what is behind it."""
_STANDS_OUT = 0.01
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SAY_ORIENTATION = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
"""Where Pillow looks for it in a PNG or a JPEG: EXIF, or what an editor wrote."""
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was told or found about reading a source's files; its classifier reads by it wherever it goes.

    Attributes:
        max_pixels: files whose header announces more pixels are set aside, not decoded.
        white: the value that is white in images of more than 8 bits, found in the whole source.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    white: int = WHITE_16

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header of an image file says."""

    format: str
    width: int
    """Pixels, after the EXIF orientation is applied."""
    height: int
    mode: str
    """Pillow's name for the kind of pixels: L, RGB, P, RGBA, CMYK, I;16 …"""
    orientation: int
    """EXIF orientation, 1 to 8; 1 is upright."""

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for all others."""
        return 1 if self.mode in ("1", "L", "LA", "La") or self.mode.startswith("I") else 3


def probe(content: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Probe:
    """Read the header alone; nothing is decoded.

    Raises:
        BrokenImage: no image, or more than `max_pixels` pixels.
    """
    return _first_readable(content, lambda variant: _probe(variant, max_pixels))


def _probe(content: bytes, max_pixels: int) -> Probe:
    with _opened(content, max_pixels) as image:
        # The orientation of a PNG may stand behind its pixels, and to look there would decode them.
        orientation = _orientation(image) if image.format != "PNG" or b"eXIf" in content else 1
        width, height = _stored_size(image) if orientation < 5 else _stored_size(image)[::-1]
        return Probe(image.format or "unknown", width, height, image.mode, orientation)


def decode(
    content: bytes, *, channels: int, reading: Reading | None = None, target_size: int | None = None
) -> Image.Image:
    """Decode one image file into an upright Pillow image of mode L (1 channel) or RGB (3).

    With `target_size`, a larger JPEG may come out smaller than it is, but no side shorter than `target_size`.

    Raises:
        BrokenImage: with the reason in a few plain words.
    """
    told = reading or Reading()
    return _first_readable(content, lambda variant: _decode(variant, channels, told, target_size))


def may_be_deep(content: bytes) -> bool:
    """Whether a file may hold more than 8 bits a value: a PNG that says so, a TIFF, a JPEG 2000."""
    if content.startswith(b"\x89PNG"):
        return content[24:25] == b"\x10"
    return content[:4] in _TIFF or content[4:8] == b"jP  "


def brightest_value(content: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> int | None:
    """The largest value in a file of more than 8 bits; None for all others, and for what cannot be read.

    Files that say themselves what white is (PGM, PPM) do not count either.

    Raises:
        NotNow: the memory is too small.
    """
    try:
        with _opened(content, max_pixels) as image:
            if not is_deep(image):
                return None
            values = deep_values(image, lambda: open_quietly(content))
            return int(colours_of(values).max(initial=0))
    except NotNow:
        raise
    except MemoryError as error:
        raise NotNow(_NO_MEMORY) from error
    except Exception:  # decoding says what is wrong with it
        return None


def _decode(content: bytes, channels: int, reading: Reading, target_size: int | None) -> Image.Image:
    with _opened(content, reading.max_pixels) as image:
        if target_size is not None and image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
            image.draft("L" if channels == 1 else image.mode, (target_size, target_size))
        try:
            plain = _eight_bits(image, channels, reading.white, lambda: open_quietly(content))
        except BrokenImage:
            raise
        except MemoryError as error:
            raise NotNow(_NO_MEMORY) from error
        except Exception as error:  # Pillow's plugins let out errors of many kinds on damaged data
            raise BrokenImage(_reason(error, content)) from error
        turn = _TURNS.get(_orientation(image))
        return plain if turn is None else plain.transpose(turn)


def _first_readable(content: bytes, read: Callable[[bytes], Result]) -> Result:
    """What can be read of a file, or else of its pixels alone: what is said about them costs no image."""
    try:
        return read(content)
    except BrokenImage as broken:
        for variant in without_metadata(content):
            with contextlib.suppress(BrokenImage):
                return read(variant)
        raise broken


@contextmanager
def _opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    if not content:
        raise BrokenImage("empty")
    try:
        image = open_quietly(content)
    except UnidentifiedImageError as error:
        raise BrokenImage(name_unreadable(content)) from error
    except MemoryError as error:
        raise NotNow(_NO_MEMORY) from error
    except Exception as error:
        raise BrokenImage(_reason(error, content)) from error
    with image, without_pillows_limit():  # some formats ask for it again when pixels are read
        if _is_preview(image) or is_raw(content):
            raise BrokenImage(RAW)
        if image.width * image.height > max_pixels:
            raise BrokenImage(
                f"{image.width:,} × {image.height:,} pixels are over the limit of {_millions(max_pixels)}"
            )
        yield image


def _is_preview(image: Image.Image) -> bool:
    """Whether the first picture of a TIFF is the small one that cameras put before their RAW data."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return _DNG_VERSION in tags or (_SUB_IMAGES in tags and bool(tags.get(_IMAGE_KIND, 0) & 1))


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as the pixels lie in the file: of a TIFF, Pillow may have swapped them already."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return (tags[_WIDTH_TAG], tags[_HEIGHT_TAG]) if tags else image.size


def _orientation(image: Image.Image) -> int:
    if image.format in ("PNG", "JPEG") and not image.info.keys() & _SAY_ORIENTATION:
        return 1  # as of most small images, whose metadata take as long to look for as their pixels
    with without_warnings():
        try:
            value = image.getexif().get(_ORIENTATION_TAG, 1)
        except Exception:  # a damaged EXIF block says nothing about the pixels
            return 1
    return value if value in _TURNS else 1


def _eight_bits(image: Image.Image, channels: int, white: int, reopen: Open) -> Image.Image:
    wanted = "L" if channels == 1 else "RGB"
    if image.mode == "F":
        raise BrokenImage("pixels are floating-point numbers, whose range is not known: convert to 16 bits")
    if image.mode.startswith("I") or (white != WHITE_16 and is_deep(image)):
        said = image.format == "PPM"  # its header names white, and Pillow has scaled by it
        image = _from_deep(deep_values(image, reopen), WHITE_16 if said else white)
    image.load()
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = _on_backdrop(image)
    elif image.mode == "P":
        image = image.convert("RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _from_deep(values: NDArray[np.int64], white: int) -> Image.Image:
    if values.ndim == 2 or values.shape[2] == 3:
        return to_eight_bits(values, white)
    colour, alpha = values[..., :-1], values[..., -1]
    shown = to_eight_bits(colour[..., 0] if colour.shape[2] == 1 else colour, white)
    shown.putalpha(to_eight_bits(alpha, white if alpha.max(initial=0) <= white else WHITE_16))
    return shown


def _on_backdrop(image: Image.Image) -> Image.Image:
    """On white, or on black where hardly anything would be left to see on white."""
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    on_white = Image.alpha_composite(white, with_alpha).convert("RGB")
    alpha = with_alpha.getchannel("A")
    if alpha.getextrema()[0] == 255 or not _vanishes(on_white, alpha):
        return on_white
    black = Image.new("RGBA", with_alpha.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, with_alpha).convert("RGB")


def _vanishes(on_white: Image.Image, alpha: Image.Image) -> bool:
    """Whether less than 1 % of what is not transparent stands out from white."""
    is_there = np.asarray(alpha) > 0
    stands_out = np.asarray(on_white).min(axis=2) < 255 - _VISIBLE
    return bool(is_there.any()) and (stands_out & is_there).sum() < _STANDS_OUT * is_there.sum()


def _reason(error: Exception, content: bytes) -> str:
    text = str(error).lower()
    if any(
        word in text
        for word in ("truncated", "not enough", "premature", "unexpected end", "eof", "too short")
    ):
        return "cut short"
    announced = int.from_bytes(content[4:8], "little") + 8 if content.startswith(b"RIFF") else 0
    return "cut short" if announced > len(content) else "damaged"


def _millions(pixels: int) -> str:
    return f"{pixels // 1_000_000:,} million" if pixels % 1_000_000 == 0 else f"{pixels:,}"
