"""Reading, hashing and decoding many files on several threads: Pillow and blake2b release the interpreter."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.config.asked import Fit
from convscope.data.pixels.decoding import decode
from convscope.data.preprocessing import fit_image
from convscope.data.quarantine import BrokenImage, Quarantined
from convscope.data.sources.source import Item

_CHUNK = 32
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What decoded images look like; with the content, all that their pixels depend on."""

    size: tuple[int, int]
    """Height and width."""
    channels: int
    fit: Fit
    max_pixels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return (self.channels, *self.size)


def content_hash(content: bytes) -> str:
    """Name content by itself: blake2b with 128 bits, in hexadecimal."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def in_order(function: Callable[[In], Out], things: Sequence[In]) -> Iterator[Out]:
    """Apply a function on several threads; results come in the order of the things."""

    def apply(chunk: Sequence[In]) -> list[Out]:
        return [function(thing) for thing in chunk]

    chunks = [things[start : start + _CHUNK] for start in range(0, len(things), _CHUNK)]
    pool = ThreadPoolExecutor(max(2, min(16, os.cpu_count() or 2)))
    try:
        for results in pool.map(apply, chunks):
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupted run does not first decode what is left


def hash_items(items: Sequence[Item]) -> tuple[list[tuple[Item, str]], list[Quarantined]]:
    """Content hash of every file that can be read and has any content, and the others with their reasons."""

    def hashed(item: Item) -> str | BrokenImage:
        try:
            content = item.read()
        except BrokenImage as broken:
            return broken
        return content_hash(content) if content else BrokenImage("empty")

    good: list[tuple[Item, str]] = []
    quarantined: list[Quarantined] = []
    for item, result in zip(items, in_order(hashed, items), strict=True):
        if isinstance(result, BrokenImage):
            quarantined.append(Quarantined(item.id, str(result)))
        else:
            good.append((item, result))
    return good, quarantined


def decode_fitted(content: bytes, form: PixelFormat) -> Image.Image:
    """Decode one file and bring it to size: the path of every image, in training and in prediction.

    Raises:
        BrokenImage: with its reason.
    """
    image = decode(content, channels=form.channels, max_pixels=form.max_pixels, target_size=max(form.size))
    return fit_image(image, form.size, form.fit)


def as_array(image: Image.Image) -> NDArray[np.uint8]:
    """Pixels of a grey or colour image, uint8 (C, H, W)."""
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
