"""Telling an archive that unpacks to far too much from one of flat bitmaps, which pack to a thousandth."""

import tarfile
from pathlib import Path
from typing import IO, Any

from convscope.data.pixels.decoding import probe
from convscope.data.quarantine import BrokenImage
from convscope.data.sources.source import Content
from convscope.errors import DataError

MOST_UNPACKED = 1 << 38
"""256 GiB."""
MOST_RATIO = 500
"""Unpacked to packed size of an archive; images, packed already, are near 1. Bombs begin at 1,000."""
SMALL = 1 << 26
_HEAD = 1 << 16
_PLAIN = ("BMP", "PPM", "TIFF")
"""Formats that may hold their pixels unpacked."""
_MOST_BYTES_PER_PIXEL = 8
_ROOM = 1 << 16
"""Bytes of a file that are no pixels."""


def announces(content: Content, size: int) -> bool:
    """Whether a file's own header says that it is an image of unpacked pixels, so many bytes large."""
    try:
        head = content.read(_HEAD)
        at_the_end = (
            head[:4] in (b"II*\0", b"MM\0*") and _HEAD < size <= SMALL
        )  # where a TIFF may describe itself
        image = probe(content.read() if at_the_end else head)
    except BrokenImage:
        return False
    most = image.width * image.height * _MOST_BYTES_PER_PIXEL + _ROOM
    return image.format in _PLAIN and size <= most


def allowance(path: Path) -> int:
    """Bytes that an archive may unpack to without being looked at closer."""
    return max(SMALL, min(MOST_UNPACKED, path.stat().st_size * MOST_RATIO))


def refuse(path: Path, unpacked: int | None = None) -> DataError:
    """The error that refuses a bomb."""
    says = "unpacks to" if unpacked is None else f"says it unpacks to {unpacked / 2**30:,.1f} GiB,"
    return DataError(f"{path} {says} far more than images do; it is refused as a bomb.")


def unpack_tar(packed: IO[bytes], plain: IO[bytes], path: Path) -> None:
    """Unpack a compressed tar into a file, as long as what comes may be images.

    The header of a compressed tar tells no size, so its members are looked at as they come.

    Raises:
        DataError: it unpacks to far more than images do.
    """
    stream: Any = _Stream(packed, plain, path)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.isreg() and not member.issparse():
                file = archive.extractfile(member)
                if file is not None and announces(_Head(file.read(_HEAD)), member.size):
                    stream.left += member.size
    while stream.read(1 << 20):
        pass


class _Stream:
    """What is read from the packed file goes into the plain one, as much as is allowed."""

    def __init__(self, packed: IO[bytes], plain: IO[bytes], path: Path) -> None:
        self.packed, self.plain, self.path = packed, plain, path
        self.left = allowance(path)

    def read(self, size: int = -1, /) -> bytes:
        content = self.packed.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise refuse(self.path)
        self.plain.write(content)
        return content


class _Head:
    """The beginning of a file in a stream."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, limit: int | None = None) -> bytes:
        return self.content[:limit]
