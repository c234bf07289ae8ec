"""Where the bytes of one file lie: on the disk, in an archive, in a table."""

import errno
import os
import stat
import weakref
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from convscope.data.quarantine import BrokenImage

MOST_BYTES = 1 << 30
"""No single image file is larger than this; what is, is quarantined unread."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file of its own."""

    path: Path

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`; never waits on a pipe or a socket."""
        try:
            kind = self.path.stat().st_mode
            if stat.S_ISDIR(kind):
                raise BrokenImage("is a folder")
            if not stat.S_ISREG(kind):
                raise BrokenImage("not a regular file")
            with self.path.open("rb") as file:
                return _read(file, limit)
        except OSError as error:
            raise BrokenImage(plain_reason(error, self.path)) from error


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a .zip, unpacked into memory when it is read."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        if self.info.flag_bits & 0x1:
            raise BrokenImage("encrypted")
        try:
            with self.archive.open(self.info) as file:
                return _read(file, limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise BrokenImage("damaged in the archive") from error


class SharedFile:
    """An open file that several threads read, closed when nobody holds it any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A stretch of an open file: a member of an unpacked .tar."""

    file: SharedFile
    start: int
    length: int

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        if self.length > MOST_BYTES:
            raise BrokenImage("larger than 1 GiB")
        wanted = self.length if limit is None else min(limit, self.length)
        try:
            content = os.pread(self.file.descriptor, wanted, self.start)
        except OSError as error:
            raise BrokenImage(_cannot_be_read(error)) from error
        if len(content) < wanted:
            raise BrokenImage("cut short")
        return content


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bytes that are already there, or the reason why there are none."""

    content: bytes

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        return self.content if limit is None else self.content[:limit]


def _read(file: IO[bytes], limit: int | None) -> bytes:
    if limit is not None:
        return file.read(limit)
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BrokenImage("larger than 1 GiB")
    return content


def plain_reason(error: OSError, path: Path) -> str:
    """Why the operating system refuses a file."""
    match error.errno:
        case errno.ENOENT:
            return "a dangling link" if path.is_symlink() else "not there"
        case errno.ELOOP:
            return "a link that leads back to itself"
        case errno.EACCES | errno.EPERM:
            return "cannot be read: permission denied"
        case _:
            return _cannot_be_read(error)


def _cannot_be_read(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
