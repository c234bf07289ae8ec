"""The pixels of many files, decoded once: from the cache, or into it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from convscope.data.pixels.cache import Cached, Write, read_entry, write_entry
from convscope.data.pixels.decoding import DECODER_VERSION
from convscope.data.pixels.reading import PixelFormat, as_array, decode_and_judge, read_again
from convscope.data.quarantine import BrokenImage, NotNow
from convscope.data.sources.source import Item
from convscope.data.splitting.similar import DESCRIPTOR_LENGTH, describe
from convscope.data.threads import in_order
from convscope.work import counted

SMALL = 256 * 2**20
"""Sets of fewer bytes are held in memory; larger ones stay in their file."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels of a number of different files."""

    images: NDArray[np.uint8]
    """(files, C, H, W), in the order of `hashes`; those of broken files are black."""
    hashes: tuple[str, ...]
    """Content hash of every different file, also of broken ones, sorted."""
    reasons: dict[str, str]
    """Why files are broken, by content hash."""
    faint: dict[str, str]
    """Why hardly anything can be seen in an image that is not broken, by content hash."""
    descriptors: NDArray[np.float32]
    """(files, 63)."""
    notes: tuple[str, ...] = ()

    @property
    def row_of(self) -> dict[str, int]:
        """Row in `images` by content hash; of the images that are not broken."""
        return {digest: row for row, digest in enumerate(self.hashes) if digest not in self.reasons}


def decode_items(items: Sequence[tuple[Item, str]], form: PixelFormat, name: str = "") -> Decoded:
    """Decode each different content once, or find it in the cache.

    Where the cache cannot be written, the pixels stay in memory, and a note says so.

    Args:
        items: files and the hashes of their content.
        form: what to make of them.
        name: what they are called together, for who lists the cache.
    """
    first_of = {digest: item for item, digest in items}  # in the order of the source: fast to read
    hashes = tuple(sorted(first_of))
    key = _key(hashes, form)
    stored = read_entry(key)
    if stored is not None:
        return _from_cache(stored, hashes)
    decoding = _Decoding(first_of, form)
    note = ""
    if hashes:
        try:
            written = write_entry(
                key,
                len(hashes),
                form.shape,
                lambda write: (*decoding.run(write), np.asarray(name)),
                lasts=lambda: not decoding.failed,
            )
            return _from_cache(written, hashes)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            note = f"the pixel cache cannot be written ({why}): images stay in memory"
    images = np.zeros((len(hashes), *form.shape), dtype=np.uint8)
    known = decoding.run(images.__setitem__)
    decoded = _from_cache(Cached(images, known), hashes)
    return replace(decoded, notes=(note,) if note else ())


def _key(hashes: Sequence[str], form: PixelFormat) -> str:
    decoder = f"{form} decoder {DECODER_VERSION} pillow {PIL.__version__}"
    return hashlib.blake2b("\n".join([decoder, *hashes]).encode(), digest_size=16).hexdigest()


def _from_cache(stored: Cached, hashes: tuple[str, ...]) -> Decoded:
    reasons, faint, descriptors, *_ = stored.known  # the name is for who lists the cache
    images = stored.images if stored.images.nbytes >= SMALL else np.array(stored.images)
    return Decoded(images, hashes, _said(hashes, reasons), _said(hashes, faint), descriptors)


def _said(hashes: Sequence[str], texts: NDArray[np.str_]) -> dict[str, str]:
    return {digest: str(text) for digest, text in zip(hashes, texts, strict=True) if text}


@dataclass(frozen=True, eq=False)
class _Decoding:
    """Decodes each different content."""

    first_of: dict[str, Item]
    form: PixelFormat
    failed: list[NotNow] = field(default_factory=list)
    """What holds this time only: a cache that kept it would leave sound files out for good."""

    def run(self, write: Write) -> tuple[NDArray[Any], ...]:
        """Write every image into its row; why files are broken, others faint, and their descriptors."""
        row_of = {digest: row for row, digest in enumerate(sorted(self.first_of))}
        descriptors = np.zeros((len(row_of), DESCRIPTOR_LENGTH), dtype=np.float32)

        def one(pair: tuple[str, Item]) -> tuple[str, str]:
            digest, item = pair
            try:
                image, lost = decode_and_judge(read_again(item, digest), self.form)
            except BrokenImage as broken:
                if isinstance(broken, NotNow):
                    self.failed.append(broken)
                return str(broken), ""
            write(row_of[digest], as_array(image))
            descriptors[row_of[digest]] = describe(image)
            return "", lost

        reasons, faint = [""] * len(row_of), [""] * len(row_of)
        results = in_order(one, list(self.first_of.items()))
        for digest, (reason, lost) in zip(
            self.first_of, counted(results, "decoding image", total=len(row_of)), strict=True
        ):
            reasons[row_of[digest]], faint[row_of[digest]] = reason, lost
        return np.asarray(reasons, dtype=np.str_), np.asarray(faint, dtype=np.str_), descriptors
