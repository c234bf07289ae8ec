"""The pixel cache: decoded images in files that are mapped into memory, so that nothing is decoded twice.

    $XDG_CACHE_HOME/convscope/pixels/<key>.npy

holds, one after the other as `numpy.save` writes them, the images uint8 (rows, C, H, W), the arrays of what
else is known about them, and the checksum of all that in its last four bytes. The key is a hash of the
contents, the pixel format and the decoder. A file is written beside its place and renamed, so that no process
ever sees half of it. Its checksum is compared before use; only a file that was read and found damaged is
removed. Files used longest ago go first when the cache grows past its limit.
"""

import contextlib
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

FEATURES = "features-"
"""Keys of entries begin so that hold features instead of images: a row of bytes, float32, for each image."""
CACHE_LIMIT = 20 * 2**30
"""Bytes."""
_STRETCH = 1 << 26
_CHECKSUM = 4
"""Bytes."""

Write = Callable[[int, NDArray[np.uint8]], None]
"""Writes an image into its row; from any thread."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The decoded images of one set at one size, or what a backbone makes of images."""

    key: str
    bytes: int
    images: int
    shape: tuple[int, ...]
    """(C, H, W), or (F,) of features."""
    used: float
    """When it was last used, in seconds since 1970."""
    name: str = ""
    """Of the source that was decoded first into it; empty where that was not noted."""

    @property
    def holds(self) -> str:
        """What it is: `images` or `features`."""
        return "features" if self.key.startswith(FEATURES) else "images"


@dataclass(frozen=True, eq=False)
class Cached:
    """What an entry holds."""

    images: NDArray[np.uint8]
    """(rows, C, H, W), mapped copy-on-write: reading costs no memory of its own."""
    known: tuple[NDArray[Any], ...]
    """The arrays that were stored with them."""


def cache_folder() -> Path:
    """Where decoded pixels are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convscope" / "pixels"


def list_cache() -> list[CacheEntry]:
    """All entries, the last used first."""
    entries = []
    for path, size, used in _files():
        if path.suffix == ".npy":
            with contextlib.suppress(OSError, ValueError, EOFError):  # removed meanwhile, or damaged
                mapped = np.load(path, mmap_mode="r")
                images, *shape = mapped.shape
                if path.stem.startswith(FEATURES):
                    shape = [shape[0] // np.dtype(np.float32).itemsize]
                if images:  # without, it is what was found out about a source
                    name = _name_in(path, mapped.offset + mapped.nbytes)
                    entries.append(CacheEntry(path.stem, size, images, tuple(shape), used, name))
    return sorted(entries, key=lambda entry: -entry.used)


def _name_in(path: Path, start: int) -> str:
    """The one text that stands alone among the arrays after the images: the source's name."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size - _CHECKSUM
        file.seek(start)
        while file.tell() < end:
            known = np.load(file)
            if known.ndim == 0 and known.dtype.kind == "U":
                return str(known)
    return ""


def keys_of(prefix: str) -> list[str]:
    """Keys of the entries that begin so."""
    return sorted(path.stem for path in cache_folder().glob(f"{prefix}*.npy"))


def clear_cache() -> int:
    """Remove all entries; how many bytes that freed."""
    freed = sum(size for _, size, _ in _files())
    shutil.rmtree(cache_folder(), ignore_errors=True)
    return freed


def trim_cache(limit: int = CACHE_LIMIT, keep: str = "") -> list[str]:
    """Remove entries, those used longest ago first, until the rest is within the limit.

    Returns:
        Keys of the entries that went. `keep` stays in any case.
    """
    files = sorted(_files(), key=lambda file: file[2])
    total = sum(size for _, size, _ in files)
    removed = []
    for path, size, _ in files:
        if total <= limit:
            break
        if path.stem != keep:
            total -= size
            path.unlink(missing_ok=True)
            removed.append(path.stem)
    return removed


def read_entry(key: str) -> Cached | None:
    """Map an entry after checking it; None when it is absent or cannot be read. A damaged one is removed."""
    path = cache_folder() / f"{key}.npy"
    try:
        with path.open("rb") as file:
            end = os.fstat(file.fileno()).st_size - _CHECKSUM
            file.seek(max(0, end))
            if file.read() != _checksum(path, end):
                _remove(path, file)
                return None
            found = _mapped(path, file, end)
    except OSError:  # nothing that it says is about the file's content
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return found


def write_entry(
    key: str,
    rows: int,
    shape: tuple[int, ...],
    fill: Callable[[Write], Sequence[NDArray[Any]]],
    *,
    lasts: Callable[[], bool] = lambda: True,
) -> Cached:
    """Write an entry; it comes into being when all of it is on the disk.

    Rows are written instead of mapped: on a full disk that is an error, where a mapped page would be a crash.

    Args:
        key: names it.
        rows: number of images.
        shape: of each, (C, H, W), or (bytes,).
        fill: calls the function that it is given for each row, and returns what else is to be stored.
        lasts: asked when all is written, whether it holds at another time, too. What does not is not kept:
            its file has no name any more, and is gone with what is returned.

    Raises:
        OSError: no room, or not allowed; nothing is left behind.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "r+b") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (rows, *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
            start, row_bytes = file.tell(), int(np.prod(shape))
            known = fill(lambda row, pixels: _write_at(descriptor, start + row * row_bytes, pixels))
            file.seek(start + rows * row_bytes)
            for array in known:
                np.save(file, array, allow_pickle=False)
            file.flush()
            end = file.tell()
            file.write(_checksum(temporary, end))
            file.flush()
            os.fsync(descriptor)  # or a name may outlive a loss of power, and what it names not
            written = _mapped(temporary, file, end)
        if lasts():
            temporary.replace(folder / f"{key}.npy")
    finally:
        temporary.unlink(missing_ok=True)
    trim_cache(keep=key)
    return written


def release_pages(images: NDArray[np.uint8]) -> None:
    """Give back the memory of a mapped file's pages that were read; they can be read again at any time.

    What was written to them in memory is gone; arrays that are not mapped stay as they are.
    """
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapped(path: Path, file: IO[bytes], end: int) -> Cached:
    """What a whole file holds, up to the checksum at its `end`."""
    # Copy-on-write: torch wants an array that could be written to; one only read is shared.
    images = np.load(path, mmap_mode="c")
    file.seek(images.offset + images.nbytes)
    known = []
    while file.tell() < end:
        known.append(np.load(file))
    return Cached(images, tuple(known))


def _write_at(descriptor: int, place: int, pixels: NDArray[np.uint8]) -> None:
    content = np.ascontiguousarray(pixels).reshape(-1).data
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], place + written)


def _remove(path: Path, file: IO[bytes]) -> None:
    """Remove a damaged file, unless another process has put a whole one in its place meanwhile."""
    with contextlib.suppress(OSError):
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            path.unlink()


def _checksum(path: Path, size: int) -> bytes:
    """CRC-32 over the CRC-32s of the first `size` bytes' 64 MiB stretches, computed on torch's threads."""
    import torch  # is there when images are read, and not for a list of what is kept

    def of_stretch(start: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            left, crc = min(_STRETCH, size - start), 0
            while left > 0 and (content := file.read(min(left, 1 << 20))):
                crc = zlib.crc32(content, crc)
                left -= len(content)
        return crc.to_bytes(4, "big")

    with ThreadPoolExecutor(min(8, torch.get_num_threads())) as pool:
        stretches = b"".join(pool.map(of_stretch, range(0, size, _STRETCH)))
    return zlib.crc32(stretches).to_bytes(_CHECKSUM, "big")


def _files() -> list[tuple[Path, int, float]]:
    """Path, bytes and last use of everything in the cache; also what a killed process left half written."""
    found = []
    for path in cache_folder().rglob("*"):
        with contextlib.suppress(OSError):  # another process may remove it meanwhile
            if path.is_file():
                stat = path.stat()
                found.append((path, stat.st_size, stat.st_mtime))
    return found
