"""Reading, hashing and decoding many files."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.config.asked import Fit
from convscope.data.pixels.cache import read_entry, write_entry
from convscope.data.pixels.decoding import Reading, brightest_value, decode, may_be_deep
from convscope.data.pixels.depth import WHITE_16, white_of
from convscope.data.preprocessing import fit_image
from convscope.data.quarantine import BrokenImage, NotNow, Quarantined
from convscope.data.sources.source import Item
from convscope.data.threads import in_order
from convscope.work import counted

_FEWEST_LEVELS = 24
"""Of 256: an image whose values lie closer together shows hardly anything."""
_FEWEST_PIXELS = 4
"""An image of fewer in both directions is nearly one pixel."""
_LONGEST = 50
"""Times as long as wide: of the shorter side of a strip hardly anything is left in a square."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What decoded images look like; with the content, all that their pixels depend on."""

    size: tuple[int, int]
    """Height and width."""
    channels: int
    fit: Fit
    reading: Reading = field(default_factory=Reading)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return (self.channels, *self.size)


@dataclass(frozen=True)
class Files:
    """The files of a source, read once.

    Attributes:
        readable: each with the hash of its content.
        quarantined: those that cannot be read or are empty.
        deep: those of `readable` that may hold more than 8 bits a value.
    """

    readable: tuple[tuple[Item, str], ...]
    quarantined: tuple[Quarantined, ...]
    deep: tuple[tuple[Item, str], ...]


Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


def content_hash(content: bytes) -> str:
    """Name content by itself: blake2b with 128 bits, in hexadecimal."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def read_files(items: Sequence[Item]) -> Files:
    """Read every file once: its content hash, or why it has none."""

    def read(item: Item) -> tuple[str, bool] | BrokenImage:
        try:
            content = item.read()
        except BrokenImage as broken:
            return broken
        if not content:
            return BrokenImage("empty")
        return content_hash(content), may_be_deep(content)

    readable: list[tuple[Item, str]] = []
    quarantined: list[Quarantined] = []
    deep: list[tuple[Item, str]] = []
    read_one = counted(in_order(read, items), "reading file", total=len(items))
    for item, result in zip(items, read_one, strict=True):
        if isinstance(result, BrokenImage):
            quarantined.append(Quarantined(item.id, str(result)))
            continue
        digest, is_deep = result
        readable.append((item, digest))
        deep += [(item, digest)] if is_deep else []
    return Files(tuple(readable), tuple(quarantined), tuple(deep))


def read_again(item: Item, digest: str) -> bytes:
    """The content that was hashed.

    Raises:
        NotNow: it cannot be read this time, or it is another.
    """
    try:
        content = item.read()
    except BrokenImage as broken:
        raise NotNow(str(broken)) from broken
    if content_hash(content) != digest:
        raise NotNow("changed while it was read")
    return content


def find_white(deep: Sequence[tuple[Item, str]], max_pixels: int) -> int:
    """What is white in images of more than 8 bits, judged by all of them together; looked for once.

    Args:
        deep: files that may be such images, and the hashes of their content.
        max_pixels: larger ones have no say.
    """
    if not deep:
        return WHITE_16
    key = f"white-{max_pixels}-{content_hash(' '.join(sorted({digest for _, digest in deep})).encode())}"
    found = read_entry(key)
    if found is not None:
        return int(found.known[0])

    failed: list[NotNow] = []

    def brightest(pair: tuple[Item, str]) -> int | None:
        try:
            return brightest_value(read_again(*pair), max_pixels=max_pixels)
        except NotNow as not_now:
            failed.append(not_now)
            return None

    values = [value for value in in_order(brightest, deep) if value is not None]
    white = white_of(max(values)) if values else WHITE_16
    if not failed:
        with contextlib.suppress(OSError):
            write_entry(key, 0, (1, 1, 1), lambda _: (np.asarray(white),))
    return white


def decode_fitted(content: bytes, form: PixelFormat) -> Image.Image:
    """Decode one file and bring it to size: the path of every image, in training and in prediction.

    Raises:
        BrokenImage: with its reason.
    """
    return fit_image(_decoded(content, form), form.size, form.fit)


def decode_into(content: bytes, form: PixelFormat) -> tuple[Image.Image, Box]:
    """`decode_fitted`, and where in the result the image lies: all of it unless it was padded."""
    image = _decoded(content, form)
    height, width = form.size
    if form.fit != "pad":
        return fit_image(image, form.size, form.fit), (0, 0, width, height)
    scale = min(width / image.width, height / image.height)
    wide, high = round(image.width * scale), round(image.height * scale)
    left, top = (width - wide) // 2, (height - high) // 2
    return fit_image(image, form.size, form.fit), (left, top, left + wide, top + high)


def decode_and_judge(content: bytes, form: PixelFormat) -> tuple[Image.Image, str]:
    """`decode_fitted`, and what was lost on the way (see `what_is_lost`)."""
    image = _decoded(content, form)
    return fit_image(image, form.size, form.fit), what_is_lost(image)


def what_is_lost(image: Image.Image) -> str:
    """Why hardly anything can be seen in a decoded image of mode L or RGB; empty where something can."""
    width, height = image.size
    found: Any = image.getextrema()  # of one band a pair, of several one for each
    bands: Sequence[tuple[int, int]] = [found] if image.mode == "L" else found
    levels = 1 + max(high - low for low, high in bands)
    if max(width, height) < _FEWEST_PIXELS:
        return f"{width}×{height} px: hardly more than one pixel"
    if levels == 1:
        return "blank: all its pixels are alike"
    if levels < _FEWEST_LEVELS:
        return f"nearly blank: its pixels differ by {levels - 1} of 255 levels at most"
    if max(width, height) > _LONGEST * min(width, height):
        return f"a strip, {max(width, height) / min(width, height):,.0f} times as long as wide"
    return ""


def as_array(image: Image.Image) -> NDArray[np.uint8]:
    """Pixels of a grey or colour image, uint8 (C, H, W)."""
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _decoded(content: bytes, form: PixelFormat) -> Image.Image:
    return decode(content, channels=form.channels, reading=form.reading, target_size=max(form.size))
