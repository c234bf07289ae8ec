"""An image folder: a class is a folder, a split may be a folder around them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from convscope.data.classes import natural_key, natural_order
from convscope.data.quarantine import Quarantined
from convscope.data.sources.archive import is_archive, open_archive
from convscope.data.sources.contents import DiskFile, plain_reason
from convscope.data.sources.layout import SPLIT_NAMES, Parts, Tree, arrange, is_ignored, looks_like_image
from convscope.data.sources.source import Content, FileSource, Split
from convscope.errors import DataError


def open_folder(folder: Path) -> FileSource:
    """Open a folder of class folders, of split folders, or of one archive for each split.

    Raises:
        DataError: it cannot be listed, or holds no classes.
    """
    name = folder.resolve().name or "images"
    tree = _walk(folder)
    if not tree.folders:
        archives = {path: SPLIT_NAMES[path.stem.casefold()] for path in _split_archives(folder)}
        if archives:
            return _merged(name, folder, [(open_archive(p), split) for p, split in archives.items()])
    return arrange(tree, name, folder)


def list_files(folder: Path) -> tuple[list[Path], list[Quarantined]]:
    """Every file in a folder that training would look at, in natural order, and what cannot be opened.

    Raises:
        DataError: the folder cannot be listed.
    """
    tree = _walk(folder)
    files = sorted(tree.files, key=lambda file: natural_key("/".join(file[0])))
    return [content.path for _, content in files if isinstance(content, DiskFile)], list(tree.quarantined)


def _split_archives(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.stem.casefold() in SPLIT_NAMES and path.is_file() and is_archive(path)
    ]


def _merged(name: str, folder: Path, parts: list[tuple[FileSource, Split]]) -> FileSource:
    items = [
        replace(item, id=f"{split}/{item.id}", split=split)
        for source, split in parts
        for item in source.items
    ]
    return FileSource(
        name=name,
        location=folder,
        items=tuple(sorted(items, key=lambda item: natural_key(item.id))),
        class_names=natural_order(class_name for source, _ in parts for class_name in source.class_names),
        quarantined=tuple(
            replace(entry, path=f"{split}/{entry.path}")
            for source, split in parts
            for entry in source.quarantined
        ),
    )


def _walk(root: Path) -> Tree:
    files: list[tuple[Parts, Content]] = []
    folders: set[Parts] = set()
    quarantined: list[Quarantined] = []
    pending: list[tuple[Path, Parts, frozenset[str]]] = [(root, (), frozenset({os.path.realpath(root)}))]
    while pending:
        folder, parts, around = pending.pop()
        try:
            entries = list(_listed(folder))
        except OSError as error:
            if not parts:
                raise DataError(f"{folder} cannot be listed: {(error.strerror or '').lower()}") from error
            quarantined.append(Quarantined("/".join(parts), plain_reason(error, folder)))
            continue
        if parts and looks_like_image(parts[-1]) and (len(parts) > 1 or not entries):
            quarantined.append(Quarantined("/".join(parts), "is a folder"))
            continue
        if parts:
            folders.add(parts)
        for path, shown, is_folder in entries:
            inner = (*parts, shown)
            real = os.path.realpath(path) if is_folder else ""
            if not is_folder:
                files.append((inner, DiskFile(path)))
            elif real in around:
                quarantined.append(Quarantined("/".join(inner), "a link that leads back to itself"))
            else:
                pending.append((path, inner, around | {real}))
    return Tree(tuple(files), frozenset(folders), tuple(quarantined))


def _listed(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    """Path, name fit to be shown and written, and whether it is a folder (or a link to one)."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_ignored(entry.name):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link that leads to itself; reading it will say so
                is_folder = False
            shown = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
            yield Path(entry.path), shown, is_folder
