"""Writing so that a reader sees the old state or the new one, whatever stops the writer.

A file or folder is written beside its place, flushed to the disk, and renamed. What a killed writer leaves
behind begins with `.writing-` or `.replaced-` and is cleared by the next one.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"
ASIDE = ".replaced-"


def write_file(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, whole or not at all."""
    temporary = path.parent / f"{PREFIX}{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        _write_and_flush(temporary, content)
        os.replace(temporary, path)  # noqa: PTH105 - one name for what the tests make fail
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator["FolderWriter"]:
    """A folder that appears at `path` complete, when the block ends well; never otherwise.

    An older folder at `path` is moved aside before, and removed after; whoever is killed between the two
    leaves it there, and `clear_leftovers` moves it back.
    """
    temporary = path.parent / f"{PREFIX}{path.name}-{uuid.uuid4().hex[:8]}"
    aside = path.parent / f"{ASIDE}{path.name}"
    temporary.mkdir(parents=True)
    try:
        yield FolderWriter(temporary)
        _flush_folder(temporary)
        if path.exists():
            os.rename(path, aside)  # noqa: PTH104 - one name for what the tests make fail
        os.rename(temporary, path)  # noqa: PTH104
        _flush_folder(path.parent)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        if aside.exists() and not path.exists():
            os.rename(aside, path)  # noqa: PTH104
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def fresh_folder(path: Path) -> Iterator["FolderWriter"]:
    """A folder that appears at `path` complete, when the block ends well and nothing is there.

    Raises:
        FileExistsError: something is there.
    """
    temporary = path.parent / f"{PREFIX}{path.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        yield FolderWriter(temporary)
        _flush_folder(temporary)
        path.mkdir()  # claims the name; a rename alone would replace an empty folder that somebody else made
        os.rename(temporary, path)  # noqa: PTH104
        _flush_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class FolderWriter:
    """Writes flushed files into a folder that nobody reads yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, content: bytes) -> None:
        """Add a file."""
        _write_and_flush(self._folder / name, content)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed writers left in `folder`, and put back what they had moved aside."""
    for aside in folder.glob(f"{ASIDE}*"):
        path = folder / aside.name.removeprefix(ASIDE)
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(path)
    for leftover in folder.glob(f"{PREFIX}*"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _write_and_flush(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename durable. Some file systems cannot flush a folder, and need not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
