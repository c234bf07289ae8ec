"""Opening files with Pillow, whose limit and whose warnings are settings of the whole process."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
_warnings_lock = threading.Lock()


def open_quietly(content: bytes) -> Image.Image:
    """An image of which the header alone is read; however large it is, and whatever its metadata are.

    Raises:
        Exception: of many kinds, as Pillow's plugins let them out.
    """
    with without_pillows_limit(), without_warnings():
        return Image.open(io.BytesIO(content), formats=_FORMATS)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Without those of damaged metadata, which say nothing about the pixels."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _PillowsLimit:
    """What a program that uses this package has set, kept until the last thread that reads here is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._kept: int | None = None

    def lift(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._kept, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._readers += 1

    def put_back(self) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0 and Image.MAX_IMAGE_PIXELS is None:  # else it was set anew meanwhile
                Image.MAX_IMAGE_PIXELS = self._kept


_limit = _PillowsLimit()


@contextmanager
def without_pillows_limit() -> Iterator[None]:
    """Without Pillow's limit of pixels, which TIFFs meet in reading, too: ours is checked on the header."""
    _limit.lift()
    try:
        yield
    finally:
        _limit.put_back()
