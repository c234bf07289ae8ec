"""The pixels of many files, decoded once: from the cache, or into it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import PIL
from numpy.typing import NDArray

from convscope.data.pixels import cache
from convscope.data.pixels.decoding import DECODER_VERSION
from convscope.data.pixels.reading import PixelFormat, as_array, decode_fitted, in_order
from convscope.data.quarantine import BrokenImage
from convscope.data.sources.source import Item
from convscope.data.splitting.similar import DESCRIPTOR_LENGTH, describe

SMALL = 256 * 2**20
"""Sets of fewer bytes are held in memory; larger ones stay in their file."""
_BY_CONTENT = "content"


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels of a number of different files."""

    images: NDArray[np.uint8]
    """(rows, C, H, W)."""
    row_of: dict[str, int]
    """Row in `images` by content hash; of the images that are not broken."""
    reasons: dict[str, str]
    """Why the others are broken, by content hash."""
    descriptors: NDArray[np.float32]
    """(files, 63), in the order of `hashes`."""
    hashes: tuple[str, ...]
    """Of every different file, also of broken ones, sorted."""
    key: str | None
    """Entry in the cache; None when it could not be written."""
    notes: tuple[str, ...] = ()


def decode_items(items: Sequence[tuple[Item, str]], form: PixelFormat) -> Decoded:
    """Decode each different content once, or find it in the cache.

    Where the cache cannot be written, the pixels stay in memory, and a note says so.
    """
    unique = list(
        {digest: item for item, digest in items}.items()
    )  # in the order of the source: fast to read
    hashes = tuple(sorted(digest for digest, _ in unique))
    key = _key(hashes, form)
    stored = _from_cache(key, hashes)
    if stored is not None:
        return stored
    if not unique:
        return _into_memory(unique, hashes, form)
    try:
        return _into_cache(unique, hashes, key, form)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        note = f"the pixel cache cannot be written ({why}): images stay in memory"
        return replace(_into_memory(unique, hashes, form), notes=(note,))


def side_by_side(decoded: Decoded, wanted: Sequence[str]) -> NDArray[np.uint8]:
    """The images with these hashes, in this order, mapped from one file in which they lie side by side.

    Args:
        decoded: a large set in the cache.
        wanted: content hashes; all others follow after them in the file.
    """
    rest = sorted(set(decoded.row_of) - set(wanted))
    index_of = {digest: index for index, digest in enumerate(decoded.hashes)}
    contents = np.asarray([index_of[digest] for digest in (*wanted, *rest)], dtype=np.int64)
    assert decoded.key is not None
    order = hashlib.blake2b(contents.tobytes(), digest_size=8).hexdigest()
    rows = cache.open_rows(decoded.key, order)
    if rows is None:
        taken = np.asarray([decoded.row_of[digest] for digest in (*wanted, *rest)], dtype=np.int64)
        shape = decoded.images.shape[1:]
        step = max(1, (1 << 25) // int(np.prod(shape)))
        with cache.new_rows(decoded.key, order, contents, shape) as writer:
            for start in range(0, len(taken), step):
                writer.write(start, decoded.images[taken[start : start + step]])
        cache.remove_rows(decoded.key, _BY_CONTENT)  # the new file holds the same images
        rows = cache.open_rows(decoded.key, order)
    if rows is None:
        raise OSError("the pixel cache changed while it was read")
    return rows.images[: len(wanted)]


def _key(hashes: Sequence[str], form: PixelFormat) -> str:
    decoder = f"{form} decoder {DECODER_VERSION} pillow {PIL.__version__}"
    return hashlib.blake2b("\n".join([decoder, *hashes]).encode(), digest_size=16).hexdigest()


def _from_cache(key: str, hashes: tuple[str, ...]) -> Decoded | None:
    index = cache.read_index(key)
    if index is None or not {"reasons", "descriptors"} <= set(index) or len(index["reasons"]) != len(hashes):
        return None
    reasons = {digest: str(reason) for digest, reason in zip(hashes, index["reasons"], strict=True) if reason}
    for order in cache.orders(key):
        rows = cache.open_rows(key, order)
        if rows is not None:
            row_of = {hashes[content]: row for row, content in enumerate(rows.contents.tolist())}
            row_of = {digest: row for digest, row in row_of.items() if digest not in reasons}
            descriptors = index["descriptors"].astype(np.float32)
            return Decoded(rows.images, row_of, reasons, descriptors, hashes, key)
    return None


def _into_cache(
    unique: Sequence[tuple[str, Item]], hashes: tuple[str, ...], key: str, form: PixelFormat
) -> Decoded:
    contents = np.arange(len(unique), dtype=np.int64)
    with cache.new_rows(key, _BY_CONTENT, contents, form.shape) as writer:
        reasons, descriptors = _decode_all(unique, hashes, form, writer.write)
        texts = np.asarray([reasons.get(digest, "") for digest in hashes], dtype=np.str_)
        cache.write_index(key, reasons=texts, descriptors=descriptors)
    rows = cache.open_rows(key, _BY_CONTENT)
    if rows is None:
        raise OSError("the pixel cache changed while it was written")
    row_of = {digest: row for row, digest in enumerate(hashes) if digest not in reasons}
    return Decoded(rows.images, row_of, reasons, descriptors, hashes, key)


def _into_memory(unique: Sequence[tuple[str, Item]], hashes: tuple[str, ...], form: PixelFormat) -> Decoded:
    images = np.zeros((len(unique), *form.shape), dtype=np.uint8)
    reasons, descriptors = _decode_all(unique, hashes, form, images.__setitem__)
    row_of = {digest: row for row, digest in enumerate(hashes) if digest not in reasons}
    return Decoded(images, row_of, reasons, descriptors, hashes, None)


def _decode_all(
    unique: Sequence[tuple[str, Item]],
    hashes: Sequence[str],
    form: PixelFormat,
    write: Callable[[int, NDArray[np.uint8]], None],
) -> tuple[dict[str, str], NDArray[np.float32]]:
    row_of = {digest: row for row, digest in enumerate(hashes)}
    descriptors = np.zeros((len(unique), DESCRIPTOR_LENGTH), dtype=np.float32)

    def one(pair: tuple[str, Item]) -> str | None:
        digest, item = pair
        try:
            image = decode_fitted(item.read(), form)
        except BrokenImage as broken:
            return str(broken)
        write(row_of[digest], as_array(image))
        descriptors[row_of[digest]] = describe(image)
        return None

    results = in_order(one, unique)
    reasons = {
        digest: reason for (digest, _), reason in zip(unique, results, strict=True) if reason is not None
    }
    return reasons, descriptors
