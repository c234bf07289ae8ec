"""An image folder: a class is a folder, a split may be a folder around them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from convscope.config.asked import DataConfig
from convscope.data.classes import natural_key
from convscope.data.quarantine import Quarantined
from convscope.data.sources.archive import archive_stem, is_archive, read_archive
from convscope.data.sources.arranging import arrange
from convscope.data.sources.contents import DiskFile, plain_reason
from convscope.data.sources.layout import without_wrapping
from convscope.data.sources.own import without_own
from convscope.data.sources.source import Content, FileSource, Split
from convscope.data.sources.split_names import read_split
from convscope.data.sources.table import open_tables
from convscope.data.sources.tree import Parts, Tree, is_ignored, looks_like_image, merged
from convscope.errors import DataError
from convscope.wording import here, listed, shown

_METADATA = frozenset({"metadata.csv", "metadata.jsonl"})
"""What Hugging Face calls the table of labels in a folder of images."""


def open_folder(folder: Path, config: DataConfig) -> FileSource:
    """Open a folder of class folders, of split folders, of an archive for each split, or of a table's parts.

    Raises:
        DataError: it cannot be listed, or holds no classes.
    """
    name = shown(folder.resolve().name) or "images"
    tree = without_own(_walk(folder))
    grouped = config.group_by is not None
    archives = {} if tree.folders else _split_archives(folder)
    if archives:
        parts = ((split, without_wrapping(read_archive(path))) for split, path in archives.items())
        tree = replace(merged(parts), notes=tree.notes)
    elif tables := _tables(folder, tree):
        return open_tables(tables, config, name=name, location=folder)
    return arrange(tree, name, folder, inner_are_groups=grouped)


def list_files(folder: Path) -> tuple[list[Path], list[Quarantined]]:
    """Every file in a folder that training would look at, in natural order, and what cannot be opened.

    Raises:
        DataError: the folder cannot be listed.
    """
    tree = without_own(_walk(folder), pictures=False)
    files = sorted(tree.files, key=lambda file: natural_key("/".join(file[0])))
    return [content.path for _, content in files if isinstance(content, DiskFile)], list(tree.quarantined)


def _split_archives(folder: Path) -> dict[Split, Path]:
    found: dict[Split, Path] = {}
    for path in sorted(folder.iterdir()):
        split = read_split(archive_stem(path))
        if split is not None and path.is_file() and is_archive(path):
            found.setdefault(split, path)
    return found


def _tables(folder: Path, tree: Tree) -> list[Path]:
    """The parts of the one table that a folder holds, as Hugging Face keeps them: Parquet, or metadata.csv.

    Raises:
        DataError: Parquet lies in several folders, which may be several tables.
    """
    names = [parts for parts, _ in tree.files]
    described = sorted(parts for parts in names if parts[-1].casefold() in _METADATA)
    if described and (() in tree.direct() or not _has_classes(tree)):
        return [folder.joinpath(*parts) for parts in described]
    shards = sorted(parts for parts in names if parts[-1].casefold().endswith(".parquet"))
    if not shards or any(looks_like_image(parts[-1]) for parts in names):
        return []
    places = {parts[:-1] for parts in shards}
    if len(places) > 1 and not all(place and read_split(place[-1]) for place in places):
        shown_places = listed(sorted("/".join(place) or "." for place in places), 5)
        raise DataError(f"{here(folder)} holds Parquet in several folders: {shown_places}. Name one of them.")
    return [folder.joinpath(*parts) for parts in shards]


def _has_classes(tree: Tree) -> bool:
    """Whether images lie deeper than the tables that describe them."""
    depth = min(len(parts) for parts, _ in tree.files if parts[-1].casefold() in _METADATA)
    return any(len(parts) > depth for parts, _ in tree.files if looks_like_image(parts[-1]))


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
                raise DataError(
                    f"{here(folder)} cannot be listed: {(error.strerror or '').lower()}"
                ) from error
            quarantined.append(Quarantined("/".join(parts), plain_reason(error, folder)))
            continue
        if parts and looks_like_image(parts[-1]) and (len(parts) > 1 or not entries):
            quarantined.append(Quarantined("/".join(parts), "is a folder"))
            continue
        if parts:
            folders.add(parts)
        for path, name, is_folder in entries:
            inner = (*parts, name)
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
            yield Path(entry.path), shown(entry.name), is_folder
