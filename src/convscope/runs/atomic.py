"""Writing so that a reader sees the old state or the new one, whatever stops the writer.

A file or folder is written beside its place, flushed to the disk, and renamed. What a killed writer leaves
behind begins with `.writing-` and is cleared by the next one. No system renames a folder onto a full one, so
an older folder first steps aside, to `.replaced-…`; `standing` finds it there if a writer was killed between.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"
ASIDE = ".replaced-"
NOT_FLUSHABLE = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR)


def write_file(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all."""
    temporary = _beside(path)
    try:
        _write_and_flush(temporary, content)
        os.replace(temporary, path)  # noqa: PTH105 - one name for what the tests make fail
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator["FolderWriter"]:
    """A folder that appears at `path` complete, when the block ends well; never otherwise.

    An older folder at `path` is replaced; until then it can be read, where `standing` says.
    """
    temporary = _beside(path)
    temporary.mkdir(parents=True)
    try:
        yield FolderWriter(temporary)
        _flush_folder(temporary)
        _put(temporary, path)
        _flush_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def fresh_folder(path: Path) -> Iterator["FolderWriter"]:
    """A folder that appears at `path` complete, when the block ends well and nothing is there.

    Raises:
        FileExistsError: something is there.
    """
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield FolderWriter(temporary)
        _flush_folder(temporary)
        path.mkdir()  # claims the name; a rename alone would replace an empty folder that somebody else made
        os.rename(temporary, path)  # noqa: PTH104
        _flush_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def standing(path: Path) -> Path:
    """Where the folder of this name is: at its place, or aside if a writer was killed in between."""
    aside = path.parent / f"{ASIDE}{path.name}"
    return aside if not path.exists() and aside.is_dir() else path


def remove_folder(path: Path) -> None:
    """Take a folder away at once: what is being deleted is never seen half."""
    temporary = _beside(path)
    os.rename(path, temporary)  # noqa: PTH104
    shutil.rmtree(temporary, ignore_errors=True)


class FolderWriter:
    """Writes flushed files into a folder that nobody reads yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, content: bytes) -> None:
        """Add a file."""
        _write_and_flush(self._folder / name, content)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed writers left in `folder`, and bring back what had stepped aside for nothing."""
    for leftover in folder.glob(f"{PREFIX}*"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    for aside in folder.glob(f"{ASIDE}*"):
        path = folder / aside.name.removeprefix(ASIDE)
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, path)  # noqa: PTH104


def _beside(path: Path) -> Path:
    return path.parent / f"{PREFIX}{path.name}-{uuid.uuid4().hex[:8]}"


def _put(temporary: Path, path: Path) -> None:
    aside = path.parent / f"{ASIDE}{path.name}"
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(path, aside)  # noqa: PTH104
    try:
        os.rename(temporary, path)  # noqa: PTH104
    except OSError:
        if aside.is_dir() and not path.exists():
            os.rename(aside, path)  # noqa: PTH104
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _write_and_flush(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename durable. Some file systems cannot flush a folder, and need not."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in NOT_FLUSHABLE:
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_FLUSHABLE:
            raise
    finally:
        os.close(descriptor)
