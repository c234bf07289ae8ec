"""From the bytes of a file to an upright image of 8 bits: the one way in, for training and prediction alike.

What a file is, its content says; its extension is never asked. Choices that show in the pixels: the EXIF
orientation is applied · transparent pixels lie on white · 16-bit grey is scaled to 8 bits, not cut off · of
an animation, the first frame counts · colour profiles are ignored · JPEGs much larger than needed are decoded
at 1/2, 1/4 or 1/8 of their size (libjpeg scales in the frequency domain), never below the size asked for.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from convscope.data.quarantine import BrokenImage

DECODER_VERSION = 1
"""Rises whenever the same bytes give other pixels, so that cached pixels are made anew."""

DEFAULT_MAX_PIXELS = 100_000_000

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_pillow_settings = threading.Lock()


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
    with _opened(content, max_pixels) as image:
        # The orientation of a PNG may stand behind its pixels, and to look there would decode them.
        orientation = _orientation(image) if image.format != "PNG" or b"eXIf" in content else 1
        width, height = image.size if orientation < 5 else image.size[::-1]
        return Probe(image.format or "unknown", width, height, image.mode, orientation)


def decode(
    content: bytes,
    *,
    channels: int,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    target_size: int | None = None,
) -> Image.Image:
    """Decode one image file into an upright Pillow image of mode L (1 channel) or RGB (3).

    With `target_size`, a larger JPEG may come out smaller than it is, but no side shorter than `target_size`.

    Raises:
        BrokenImage: with the reason in a few plain words.
    """
    with _opened(content, max_pixels) as image:
        if target_size is not None and image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
            image.draft("L" if channels == 1 else image.mode, (target_size, target_size))
        try:
            image.load()
            plain = _eight_bits(image, channels)
        except BrokenImage:
            raise
        except MemoryError as error:
            raise BrokenImage("too large for the memory") from error
        except Exception as error:  # Pillow's plugins let out errors of many kinds on damaged data
            raise BrokenImage(_reason(error, content)) from error
        turn = _TURNS.get(_orientation(image))
        return plain if turn is None else plain.transpose(turn)


@contextmanager
def _opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    if not content:
        raise BrokenImage("empty")
    try:
        image = _open_without_warning(content)
    except UnidentifiedImageError as error:
        raise BrokenImage(_kind_of(content)) from error
    except Exception as error:
        raise BrokenImage(_reason(error, content)) from error
    with image:
        if image.width * image.height > max_pixels:
            raise BrokenImage(
                f"{image.width:,} × {image.height:,} pixels are over the limit of {_millions(max_pixels)}"
            )
        yield image


def _open_without_warning(content: bytes) -> Image.Image:
    # Our own limit is checked on the header right afterwards; Pillow's, which only warns at first, stays out.
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata, which say nothing about the pixels
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(content), formats=_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _orientation(image: Image.Image) -> int:
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = image.getexif().get(_ORIENTATION_TAG, 1)
        except Exception:  # a damaged EXIF block says nothing about the pixels
            return 1
    return value if value in _TURNS else 1


def _eight_bits(image: Image.Image, channels: int) -> Image.Image:
    wanted = "L" if channels == 1 else "RGB"
    if image.mode == "F":
        raise BrokenImage("pixels are floating-point numbers, whose range is not known")
    if image.mode.startswith("I"):
        image = _from_sixteen_bits(image)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = _on_white(image)
    elif image.mode == "P":
        image = image.convert("RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65_535):
        raise BrokenImage("pixels have more than 16 bits")
    return Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, with_alpha).convert("RGB")


def _reason(error: Exception, content: bytes) -> str:
    text = str(error).lower()
    if any(
        word in text
        for word in ("truncated", "not enough", "premature", "unexpected end", "eof", "too short")
    ):
        return "cut short"
    announced = int.from_bytes(content[4:8], "little") + 8 if content.startswith(b"RIFF") else 0
    return "cut short" if announced > len(content) else "damaged"


def _kind_of(content: bytes) -> str:
    """Say what a file is that no decoder wants."""
    head = content[:4096]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start:
        return "not an image: HTML"
    if start.startswith((b"<svg", b"<?xml")):
        return "not an image that is made of pixels: SVG or XML"
    if head[4:8] == b"ftyp":
        return f"not a format that can be read: {head[8:12].decode('latin-1').strip()}"
    for magic, what in _MAGICS.items():
        if head.startswith(magic):
            return what
    if not head.strip(b"\0"):
        return "not an image: nothing but zeros"
    return "not an image: text" if _is_text(head) else "not an image"


_MAGICS = {
    b"%PDF": "not an image: PDF",
    b"PK\x03\x04": "not an image: ZIP",
    b"\x1f\x8b": "not an image: gzip",
    b"\xff\xd8\xff": "cut short",
    b"\x89PNG": "cut short",
    b"GIF8": "cut short",
    b"RIFF": "cut short",
    b"BM": "damaged",
}


def _is_text(head: bytes) -> bool:
    # The last few bytes may be half a character.
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return all(character.isprintable() or character in "\t\r\n\f\v" for character in text)
    return False


def _millions(pixels: int) -> str:
    return f"{pixels // 1_000_000:,} million" if pixels % 1_000_000 == 0 else f"{pixels:,}"
