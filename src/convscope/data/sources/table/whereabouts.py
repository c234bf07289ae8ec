"""Files that a table names and that are not there: where they are looked for, and what would work."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from convscope.data.quarantine import BrokenImage
from convscope.data.sources.contents import DiskFile
from convscope.data.sources.tree import looks_like_image
from convscope.wording import shown

NOT_THERE = "not there"
_MOST_FOLDERS = 100
_ADDRESSES = ("http://", "https://", "file://", "s3://", "gs://")


class Whereabouts:
    """Where the paths of one table lead, and where they could lead. What was listed once is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files_of: dict[Path, dict[str, str]] = {}
        self._begin: tuple[Path, ...] | None = None

    def what_would_work(self, name: str) -> str | None:
        """What to change in a path so that it leads to a file: `a/1.png is: write / for \\`; or None."""
        if name.casefold().startswith(_ADDRESSES):
            return "it is an address, and nothing is downloaded: name files"
        slashed = name.replace("\\", "/")
        parts = [part for part in PurePosixPath(slashed).parts if part not in ("/", "..")]
        parts = parts[1:] if parts and parts[0].endswith(":") else parts
        for start in range(len(parts)):
            for base in self._bases():
                found = self._found(base, parts[start:])
                if found is not None:
                    place = Path(os.path.relpath(found, self.folder)).as_posix()
                    return shown(f"{place} is: {_changes(name, slashed, place)}")
        return None

    def _found(self, base: Path, parts: list[str]) -> Path | None:
        """The file at a path, in other capitals or with an ending, if there is one."""
        *inner, last = parts
        folder = base.joinpath(*inner)
        name = self._files(folder).get(last) or self._files(folder).get(last.casefold())
        return None if name is None else folder / name

    def _files(self, folder: Path) -> dict[str, str]:
        """Files of a folder by their names; in small letters too, and images also without their ending."""
        if folder not in self._files_of:
            known = self._files_of[folder] = {}
            for path in _listed(folder):
                if path.is_file():
                    spellings = [path.name.casefold()]
                    spellings += [path.stem, path.stem.casefold()] if looks_like_image(path.name) else []
                    known[path.name] = path.name
                    for spelling in spellings:
                        known.setdefault(spelling, path.name)
        return self._files_of[folder]

    def _bases(self) -> tuple[Path, ...]:
        """Where paths could begin: at the table, in folders beside it, around it, and where we are."""
        if self._begin is None:
            around = self.folder.resolve().parent
            near = (self.folder, *_inner(self.folder, 2), around, *_inner(around, 1), Path.cwd())
            self._begin = tuple(dict.fromkeys(near))
        return self._begin


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that a table names. One that is not there says what would be, where that can be seen."""

    whereabouts: Whereabouts
    name: str
    """As the table writes it."""

    @property
    def is_there(self) -> bool:
        """Whether there is a file to read."""
        return (self.whereabouts.folder / self.name).is_file()

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        try:
            return DiskFile(self.whereabouts.folder / self.name).read(limit)
        except BrokenImage as broken:
            found = self.whereabouts.what_would_work(self.name) if str(broken) == NOT_THERE else None
            raise BrokenImage(f"{NOT_THERE}, but {found}" if found else str(broken)) from broken
        except ValueError as error:  # a NUL in the name
            raise BrokenImage(NOT_THERE) from error


def _changes(name: str, slashed: str, place: str) -> str:
    """What must be done to `name` to make it `place`."""
    changes = ["write / for \\"] if slashed != name else []
    ending = PurePosixPath(place).suffix
    if ending and not slashed.casefold().endswith(ending.casefold()):
        changes.append(f"add the ending {ending}")
        slashed += ending
    if place != slashed:
        if place.casefold() == slashed.casefold():
            changes.append("capital letters count")
        elif place.endswith(slashed):
            changes.append(f"put {place[: -len(slashed)]} before it")
        elif slashed.endswith(place):
            changes.append(f"leave {slashed[: -len(place)]} out")
        else:
            changes.append("paths begin where the table lies")
    return ", ".join(changes)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _inner(folder: Path, depth: int) -> Iterator[Path]:
    folders = [path for path in _listed(folder) if not path.name.startswith(".")]
    folders = list(islice(filter(Path.is_dir, folders), _MOST_FOLDERS))
    yield from folders
    if depth > 1:
        for path in folders:
            yield from _inner(path, depth - 1)
