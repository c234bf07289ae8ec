"""From what a person typed to an open source."""

import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from convscope.config.asked import DataConfig
from convscope.data.sources.archive import is_archive, open_archive
from convscope.data.sources.folder import open_folder
from convscope.data.sources.grouping import group_by_path, refuse_groups
from convscope.data.sources.named import NAMED_SOURCES, named_source
from convscope.data.sources.source import ArraySource, FileSource
from convscope.data.sources.table import SUFFIXES, open_table
from convscope.errors import DataError
from convscope.wording import here, meant, near, shown


def open_source(config: DataConfig) -> FileSource | ArraySource:
    """Open a folder, an archive, a table or a named set; for the task that was asked for.

    Raises:
        DataError: it is not there, or cannot be used; with the nearest names.
    """
    source = _open(config)
    if config.group_by is not None and isinstance(source, ArraySource):
        refuse_groups(source, config.group_by)
    if config.task == "regression" and source.class_names:
        return _as_numbers(source)
    return source


def _as_numbers(source: FileSource | ArraySource) -> FileSource | ArraySource:
    """The same images with their classes' names as the numbers to predict."""
    numbers = {}
    for name in source.class_names:
        try:
            numbers[name] = float(name)
        except ValueError:
            numbers[name] = math.nan
        if not math.isfinite(numbers[name]):  # `nan` and `inf` are read as well
            raise DataError(f"{source.name}: regression needs classes that are numbers; {name!r} is none")
    if isinstance(source, FileSource):
        items = tuple(replace(item, label=numbers[str(item.label)]) for item in source.items)
        return replace(source, items=items, class_names=(), task_hint="regression")
    values = np.array([numbers[name] for name in source.class_names], dtype=np.float32)
    return replace(source, labels=values[source.labels], class_names=(), task_hint="regression")


def is_named(source: str) -> bool:
    """Whether what a person typed is a name, whatever lies in the working folder."""
    return source in NAMED_SOURCES or source.partition(":")[0] == "counting"


def _open(config: DataConfig) -> FileSource | ArraySource:
    name = config.source
    if not name.strip():
        raise DataError("the name of the data is empty; it takes a folder, a file or a named data set")
    path = Path(name).expanduser()
    match name.partition(":")[0]:
        case "counting":
            from convscope.data.synthetic.counting import counting_source

            return counting_source(name)
        case _ if name in NAMED_SOURCES:
            return named_source(name, validated=config.validation_fraction != 0)
        case _ if path.is_dir():
            return _grouped(open_folder(path, config), config.group_by)
        case _ if path.suffix.casefold() in SUFFIXES and path.is_file():
            return open_table(path, config)
        case _ if path.is_file() and (is_archive(path) or zipfile.is_zipfile(path)):
            grouped = config.group_by is not None
            return _grouped(open_archive(path, inner_are_groups=grouped), config.group_by)
    raise DataError(_not_found(name, path))


def _grouped(source: FileSource, group_by: str | None) -> FileSource:
    if group_by is None or any(item.group for item in source.items):
        return source  # nothing was asked for, or a table's column says it already
    return group_by_path(source, group_by)


def _not_found(name: str, path: Path) -> str:
    if path.is_file():
        return (
            f"{shown(name)} is neither an archive (.zip, .tar) nor a table (.csv, .parquet). "
            "Give the folder of images instead."
        )
    folder = path.parent
    beside = {entry.name: entry for entry in folder.iterdir()} if folder.is_dir() else {}
    close = near(name, NAMED_SOURCES, 1) + [here(beside[other]) for other in near(path.name, beside, 2)]
    hint = meant(close, f"named sets: {', '.join(NAMED_SOURCES)}, counting:1-5")
    return f"{shown(name)} is no folder or file here, and no named data set; {hint}"
