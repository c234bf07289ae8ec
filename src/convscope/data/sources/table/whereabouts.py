"""Files that a table names and that are not there: where they are looked for, and what would work."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
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
        self._begin: tuple[tuple[Path, ...], ...] | None = None

    def what_would_work(self, name: str, others: Sequence[str] = ()) -> str | None:
        """What to change in a path so that it leads to a file: `a/1.png is: write / for \\`; or None.

        Where it could lead to several, those come first from which most of the `others` lead somewhere, too.
        """
        if name.casefold().startswith(_ADDRESSES):
            return "it is an address, and nothing is downloaded: name files"
        slashed, parts = _parts(name)
        for bases, start in product(self._bases(), range(len(parts))):
            found = {base: path for base in bases if (path := self._found(base, parts[start:]))}
            if not found:
                continue
            counts = {base: self._count(base, others, start) for base in found}
            best = [path for base, path in found.items() if counts[base] == max(counts.values())]
            places = [
                Path(os.path.relpath(path, self.folder.resolve())).as_posix() for path in dict.fromkeys(best)
            ]
            if len(places) > 1:
                return shown(f"{' and '.join(places[:3])} are: say which")
            return shown(f"{places[0]} is: {_changes(name, slashed, places[0])}")
        return None

    def _count(self, base: Path, names: Sequence[str], start: int) -> int:
        return sum(self._found(base, _parts(name)[1][start:]) is not None for name in names)

    def _found(self, base: Path, parts: Sequence[str]) -> Path | None:
        """The file at a path, in other capitals or with an ending, if there is one."""
        if not parts:
            return None
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

    def _bases(self) -> tuple[tuple[Path, ...], ...]:
        """Where paths could begin: at the table and in folders beside it; else around it, or where we are."""
        if self._begin is None:
            here = self.folder.resolve()
            self._begin = (
                (here, *_inner(here, 2)),
                tuple(dict.fromkeys((Path.cwd(), here.parent, *_inner(here.parent, 1)))),
            )
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


def _parts(name: str) -> tuple[str, list[str]]:
    """A path with slashes, and folder by folder, without what is outside of every folder."""
    slashed = name.replace("\\", "/")
    parts = [part for part in PurePosixPath(slashed).parts if part not in ("/", "..")]
    return slashed, parts[1:] if parts and parts[0].endswith(":") else parts


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
