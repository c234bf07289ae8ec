"""From a file or an opened picture to the pixels that the network sees: as in training, by the same code."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from convscope.classifier.pictures import Picture
from convscope.data.pixels.decoding import Reading as Reading
from convscope.data.pixels.reading import PixelFormat, as_array, decode_and_judge
from convscope.data.preprocessing import Preprocessing
from convscope.data.quarantine import BrokenImage
from convscope.data.sources.contents import DiskFile

PNG_MODES = ("1", "L", "LA", "I;16", "I;16B", "P", "RGB", "RGBA")
WIDE_MODES = ("F", "I")
"""Of values that no PNG holds. Decoding scales them, or says why it cannot; converting would cut them off."""

_pillow_loads = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Readied:
    """An image as the network sees it.

    Attributes:
        name: where it came from.
        pixels: uint8 (C, H, W).
        faint: why hardly anything can be seen in it; empty where something can.
    """

    name: str
    pixels: Tensor
    faint: str = ""


def read_picture(picture: Picture, preprocessing: Preprocessing, reading: Reading) -> Tensor:
    """One image file, its bytes, or an opened picture -> uint8 `(C, H, W)`.

    Raises:
        BrokenImage: with the reason in plain words.
    """
    return judge_picture(picture, preprocessing, reading)[0]


def judge_picture(picture: Picture, preprocessing: Preprocessing, reading: Reading) -> tuple[Tensor, str]:
    """`read_picture`, and why hardly anything can be seen in it: empty where something can."""
    content = _content(picture)
    form = PixelFormat(preprocessing.size, preprocessing.channels, preprocessing.fit, reading)
    image, lost = decode_and_judge(content, form)
    return torch.from_numpy(as_array(image).copy()), lost


def _content(picture: Picture) -> bytes:
    if isinstance(picture, bytes):
        return picture
    return _as_file(picture) if isinstance(picture, Image.Image) else DiskFile(Path(picture)).read()


def _as_file(picture: Image.Image) -> bytes:
    """The file an opened picture could be, so that it goes the way of files: upright, on white, 8 bits."""
    try:
        with _pillow_loads:  # one picture may be given to several threads, and Pillow reads it at first use
            picture.load()
        return _encoded(picture)
    except Exception as error:  # of many kinds: cut short, closed, of a mode that no file has
        raise BrokenImage(f"an opened picture that cannot be read: {error}") from error


def _encoded(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    if picture.mode in WIDE_MODES:
        picture.save(content, "TIFF")
        return content.getvalue()
    if picture.mode not in PNG_MODES:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.save(content, "PNG", exif=picture.getexif(), compress_level=0)
    return content.getvalue()
