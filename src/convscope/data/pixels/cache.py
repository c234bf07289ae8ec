"""The pixel cache: decoded images in files that are mapped into memory, so that nothing is decoded twice.

    $XDG_CACHE_HOME/convscope/pixels/<key>/
      index.npz            reason if broken, and descriptor, of each different file in order of the hashes
      <order>.pixels       uint8 (rows, C, H, W)
      <order>.npz          which file each row holds, and the checksum

The key is a hash of the contents, the pixel format and the decoder; `<order>` is a hash of the order of the
rows, so that the images of one split can lie side by side. Files are written beside their place and renamed:
two processes never see half a file. Checksums are compared before use. The entries used longest ago go first
when the cache grows past its limit.
"""

import mmap
import os
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

CACHE_LIMIT = 20 * 2**30
"""Bytes."""
_CHUNK = 1 << 26
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The decoded images of one set at one size."""

    key: str
    bytes: int
    images: int
    shape: tuple[int, ...]
    """(C, H, W)."""
    used: float
    """When it was last used, in seconds since 1970."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A mapped pixel file."""

    images: NDArray[np.uint8]
    """(rows, C, H, W), mapped copy-on-write: reading costs no memory of its own."""
    contents: NDArray[np.int64]
    """For each row the index, in `index.npz`, of the file that it shows."""


def cache_folder() -> Path:
    """Where decoded pixels are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convscope" / "pixels"


def list_cache() -> list[CacheEntry]:
    """All entries, the last used first."""
    entries = []
    for folder in _entry_folders():
        arrays = sorted(folder.glob("*.npz"))
        shape, images = (0,), 0
        for path in arrays:
            with _quiet(), _arrays(path) as stored:
                if "shape" in stored:
                    shape, images = tuple(stored["shape"].tolist()), len(stored["contents"])
        entries.append(CacheEntry(folder.name, _bytes_in(folder), images, shape, _last_use(folder)))
    return sorted(entries, key=lambda entry: -entry.used)


def clear_cache() -> int:
    """Remove all entries; how many bytes that freed."""
    freed = sum(_bytes_in(folder) for folder in _entry_folders())
    shutil.rmtree(cache_folder(), ignore_errors=True)
    return freed


def trim_cache(limit: int = CACHE_LIMIT, keep: str = "") -> list[str]:
    """Remove entries, those used longest ago first, until the rest is within the limit.

    Returns:
        Keys of the entries that went. `keep` stays in any case.
    """
    folders = sorted(_entry_folders(), key=_last_use)
    total = sum(map(_bytes_in, folders))
    removed = []
    for folder in folders:
        if total <= limit:
            break
        if folder.name != keep:
            total -= _bytes_in(folder)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return removed


def read_index(key: str) -> dict[str, NDArray[np.generic]] | None:
    """The arrays of an entry's index; None when there is no entry or it is damaged."""
    try:
        with _arrays(cache_folder() / key / "index.npz") as stored:
            return {name: stored[name] for name in stored.files}
    except _DAMAGED:
        return None


def write_index(key: str, **arrays: NDArray[np.generic]) -> None:
    """Keep the index of an entry; the last of two writers wins, and both wrote the same."""
    _write_arrays(cache_folder() / key / "index.npz", arrays)


def open_rows(key: str, order: str) -> Rows | None:
    """Map one pixel file after checking it; None when it is absent. A damaged one is removed."""
    folder = cache_folder() / key
    pixels, side = folder / f"{order}.pixels", folder / f"{order}.npz"
    try:
        with _arrays(side) as stored:
            contents, shape = stored["contents"], tuple(stored["shape"].tolist())
            intact = pixels.stat().st_size == len(contents) * int(np.prod(shape)) and (
                checksum(pixels) == int(stored["checksum"])
            )
        if not intact:
            raise ValueError("another checksum")
        # Copy-on-write: torch wants an array that could be written to; a page that is only read stays shared.
        images = np.memmap(pixels, dtype=np.uint8, mode="c", shape=(len(contents), *shape))
        os.utime(side)
    except _DAMAGED:
        side.unlink(missing_ok=True)
        pixels.unlink(missing_ok=True)
        return None
    return Rows(images, contents)


def release_pages(images: NDArray[np.uint8]) -> None:
    """Give back the memory of a mapped file's pages that were read; they can be read again at any time.

    What was written to them in memory is gone; arrays that are not mapped stay as they are.
    """
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def orders(key: str) -> list[str]:
    """Names of the pixel files of an entry."""
    return [path.stem for path in (cache_folder() / key).glob("*.pixels")]


def remove_rows(key: str, order: str) -> None:
    """Remove one pixel file; whoever has it mapped keeps it."""
    for suffix in ("npz", "pixels"):
        (cache_folder() / key / f"{order}.{suffix}").unlink(missing_ok=True)


@contextmanager
def new_rows(
    key: str, order: str, contents: NDArray[np.int64], shape: tuple[int, ...]
) -> Iterator["RowWriter"]:
    """Write a pixel file row by row; it comes into being when the block ends without an error.

    Raises:
        OSError: no room, or not allowed; nothing is left behind.
    """
    folder = cache_folder() / key
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        writer = RowWriter(descriptor, shape)
        yield writer
        temporary.replace(folder / f"{order}.pixels")
        side = {"contents": contents, "shape": np.asarray(shape, dtype=np.int64)}
        total = np.asarray(checksum(folder / f"{order}.pixels"), dtype=np.uint32)
        _write_arrays(folder / f"{order}.npz", {**side, "checksum": total})
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
    trim_cache(keep=key)


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes rows at their places, from any thread.

    It writes instead of mapping: on a full disk that is an error, where a mapped page would be a crash.
    """

    descriptor: int
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one image."""
        return int(np.prod(self.shape))

    def write(self, row: int, pixels: NDArray[np.uint8]) -> None:
        """Write one or more images from `row` on."""
        content = np.ascontiguousarray(pixels).reshape(-1).data
        written = 0
        while written < len(content):
            written += os.pwrite(self.descriptor, content[written:], row * self.row_bytes + written)


def checksum(path: Path) -> int:
    """CRC-32 over the CRC-32s of a file's 64 MiB stretches, which several threads compute."""
    size = path.stat().st_size

    def of_stretch(start: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            left, crc = min(_CHUNK, size - start), 0
            while left > 0:
                content = file.read(min(left, 1 << 20))
                if not content:
                    break
                crc = zlib.crc32(content, crc)
                left -= len(content)
        return crc.to_bytes(4, "big")

    with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
        return zlib.crc32(b"".join(pool.map(of_stretch, range(0, size, _CHUNK))))


@contextmanager
def _arrays(path: Path) -> Iterator[NpzFile]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        yield stored


def _write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _entry_folders() -> Sequence[Path]:
    folder = cache_folder()
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        with _quiet():
            total += path.stat().st_size
    return total


def _last_use(folder: Path) -> float:
    latest = 0.0
    for path in folder.glob("*"):
        with _quiet():
            latest = max(latest, path.stat().st_mtime)
    return latest


@contextmanager
def _quiet() -> Iterator[None]:
    """Another process may remove an entry while it is looked at."""
    try:
        yield
    except _DAMAGED:
        return
