"""Reading classes and splits off the paths of a folder or an archive.

cat/1.jpg                     class cat
cat/holiday/1.jpg             class cat: folders inside a class only keep its files in order
train/cat/1.jpg               class cat, given split; train, validation (or valid, val) and test
photos/train/cat/1.jpg        the same: a single folder around all is passed over
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.data.classes import canonical, natural_key, natural_order
from convscope.data.pixels.decoding import probe
from convscope.data.quarantine import BrokenImage, Quarantined
from convscope.data.sources.source import Content, FileSource, Item, Split
from convscope.errors import DataError

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".img"}
)

_IGNORED = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_HEADER_BYTES = 1 << 16

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """What a folder or an archive holds: files, folders (also empty ones) and what cannot be read at all."""

    files: tuple[tuple[Parts, Content], ...]
    folders: frozenset[Parts]
    quarantined: tuple[Quarantined, ...] = ()


def is_ignored(name: str) -> bool:
    """Whether a file or folder is the work of an operating system, not of a person."""
    return name.startswith(".") or name.casefold() in _IGNORED


def looks_like_image(name: str) -> bool:
    """Whether a name promises an image."""
    return Path(name).suffix.casefold() in IMAGE_SUFFIXES


def arrange(tree: Tree, name: str, location: Path) -> FileSource:
    """Turn a tree of files into a source.

    Raises:
        DataError: no class folder, or split folders beside other folders.
    """
    tree = _without_wrapping(tree)
    tops = {parts[0] for parts in tree.folders if len(parts) == 1}
    is_split = _has_splits(tree, tops, location)
    depth = 2 if is_split else 1
    items: list[Item] = []
    quarantined = list(tree.quarantined)
    for parts, content in tree.files:
        if len(parts) <= depth:
            quarantined += _stray(parts, content)
            continue
        path = "/".join(parts)
        split = SPLIT_NAMES[parts[0].casefold()] if is_split else None
        items.append(Item(path, canonical(parts[depth - 1]), split, None, content))
    class_names = natural_order(canonical(parts[-1]) for parts in tree.folders if len(parts) == depth)
    if not class_names:
        raise DataError(
            f"{location} has no class folders. Put each class into a folder of its own: "
            f"{name}/cat/1.jpg, {name}/dog/2.jpg"
        )
    return FileSource(
        name=name,
        location=location,
        items=tuple(sorted(items, key=lambda item: natural_key(item.id))),
        class_names=class_names,
        quarantined=tuple(sorted(quarantined, key=lambda entry: natural_key(entry.path))),
    )


def _without_wrapping(tree: Tree) -> Tree:
    """Pass over a single folder around all the others."""
    tops = {parts[0] for parts in tree.folders}
    while len(tops) == 1:
        (top,) = tops
        inner = {parts[1] for parts in tree.folders if len(parts) > 1}
        if not inner or top.casefold() in SPLIT_NAMES or any(len(parts) < 3 for parts, _ in tree.files):
            return tree
        tree = Tree(
            tuple((parts[1:], content) for parts, content in tree.files),
            frozenset(parts[1:] for parts in tree.folders if len(parts) > 1),
            tree.quarantined,
        )
        tops = {parts[0] for parts in tree.folders}
    return tree


def _has_splits(tree: Tree, tops: Iterable[str], location: Path) -> bool:
    names = natural_order(tops)
    others = [name for name in names if name.casefold() not in SPLIT_NAMES]
    if names and not others:
        return True
    if "train" not in {name.casefold() for name in names}:
        return False
    holds_files = any(len(parts) == 2 and parts[0].casefold() == "train" for parts, _ in tree.files)
    holds_folders = any(len(parts) == 2 and parts[0].casefold() == "train" for parts in tree.folders)
    if holds_folders and not holds_files:
        of_splits = ", ".join(name for name in names if name not in others)
        raise DataError(
            f"{location} has split folders ({of_splits}) and others beside them: {', '.join(others[:5])}.\n"
            "Move the others away, or put the classes side by side without splits."
        )
    return False


def _stray(parts: Parts, content: Content) -> Sequence[Quarantined]:
    """A file outside the class folders is only mentioned when it was meant to be an image."""
    if not looks_like_image(parts[-1]):
        return ()
    try:
        probe(content.read(_HEADER_BYTES))
    except BrokenImage as broken:
        return (Quarantined("/".join(parts), str(broken)),)
    return (Quarantined("/".join(parts), "lies in no class folder"),)
