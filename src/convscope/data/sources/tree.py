"""What a folder or an archive holds, by names alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from convscope.data.quarantine import Quarantined
from convscope.data.sources.source import Content

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".img", ".avif", ".jp2"}
)

_IGNORED = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_TEXTS = frozenset({"readme", "license", "licence", "copying", "notice", "authors", "citation", "changelog"})
_NO_IMAGES = frozenset(
    {".txt", ".md", ".rst", ".pdf", ".doc", ".docx", ".html", ".htm", ".url", ".log", ".ini", ".cfg", ".db"}
    | {".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".xls", ".xlsx", ".parquet"}
    | {".zip", ".tar", ".gz", ".tgz", ".npy", ".npz", ".pkl", ".mat", ".h5", ".pt", ".safetensors"}
    | {".py", ".ipynb", ".sh"}
)

Parts = tuple[str, ...]
"""A path, folder by folder."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What a folder or an archive holds: files, folders (also empty ones) and what cannot be read at all."""

    files: tuple[tuple[Parts, Content], ...]
    folders: frozenset[Parts]
    quarantined: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the results should know."""

    def tops(self) -> frozenset[str]:
        """The outermost folders."""
        return frozenset(parts[0] for parts in self.folders)

    def inside(self, *around: str) -> frozenset[str]:
        """The folders in a folder, by name."""
        depth = len(around)
        return frozenset(p[depth] for p in self.folders if len(p) == depth + 1 and p[:depth] == around)

    def holding(self) -> frozenset[Parts]:
        """The folders that hold what may be images, directly or further in."""
        return frozenset(parts[:length] for parts in self.direct() for length in range(len(parts) + 1))

    def direct(self) -> frozenset[Parts]:
        """The folders that hold what may be images, directly."""
        found: set[Parts] = set()
        for parts, _ in self.files:
            if parts[:-1] not in found and may_be_image(parts[-1]):
                found.add(parts[:-1])
        return frozenset(found)

    def without(self, is_out: Callable[[Parts], bool]) -> "Tree":
        """All but some files and folders."""
        return replace(
            self,
            files=tuple((parts, content) for parts, content in self.files if not is_out(parts)),
            folders=frozenset(parts for parts in self.folders if not is_out(parts)),
        )

    def only(self, top: str) -> "Tree":
        """One of the outermost folders, and the files beside it."""
        return self.without(lambda parts: parts[0] != top and (parts[:1] in self.folders))

    def unwrapped(self) -> "Tree":
        """Without the outermost folders; the files beside them stay where they are."""
        return replace(
            self,
            files=tuple((parts[1:] or parts, content) for parts, content in self.files),
            folders=frozenset(parts[1:] for parts in self.folders) - {()},
        )

    def renamed(self, rename: Callable[[Parts], Parts]) -> "Tree":
        """Every file and folder under another path."""
        return replace(
            self,
            files=tuple((rename(parts), content) for parts, content in self.files),
            folders=frozenset(map(rename, self.folders)),
        )


def merged(trees: Iterable[tuple[str, Tree]]) -> Tree:
    """Several trees as one, each in a folder of its own."""
    files: list[tuple[Parts, Content]] = []
    folders: set[Parts] = set()
    quarantined: list[Quarantined] = []
    notes: list[str] = []
    for name, tree in trees:
        notes += tree.notes
        files += [((name, *parts), content) for parts, content in tree.files]
        folders |= {(name,), *((name, *parts) for parts in tree.folders)}
        quarantined += [replace(entry, path=f"{name}/{entry.path}") for entry in tree.quarantined]
    return Tree(tuple(files), frozenset(folders), tuple(quarantined), tuple(notes))


def is_ignored(name: str) -> bool:
    """Whether a file or folder is the work of an operating system, not of a person."""
    return name.startswith(".") or name.casefold() in _IGNORED


def looks_like_image(name: str) -> bool:
    """Whether a name promises an image."""
    return PurePosixPath(name).suffix.casefold() in IMAGE_SUFFIXES


def may_be_image(name: str) -> bool:
    """Whether a name at least does not deny it: images may have any ending, or none."""
    path = PurePosixPath(name)
    return path.suffix.casefold() not in _NO_IMAGES and path.stem.casefold() not in _TEXTS
