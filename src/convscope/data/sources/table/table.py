"""From a table, or the parts of one, to a source."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.config.asked import DataConfig
from convscope.data.classes import natural_order
from convscope.data.quarantine import NO_LABEL, Quarantined
from convscope.data.sources.contents import InMemory
from convscope.data.sources.grouping import group_by_path, tell_groups
from convscope.data.sources.source import Content, FileSource, Item, Split
from convscope.data.sources.split_names import read_split
from convscope.data.sources.table.columns import Roles, Row
from convscope.data.sources.table.labels import NULLS, read_labels, text_of
from convscope.data.sources.table.lines import read_csv, read_json_lines
from convscope.data.sources.table.parquet import RowGroups, read_parquet
from convscope.data.sources.table.whereabouts import ListedFile, Whereabouts
from convscope.errors import DataError
from convscope.wording import here, listed, quoted, shown, some

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_LOOKED_FOR = 200
"""So many files, evenly spread, say whether the paths of a table lead anywhere."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table."""

    path: Path
    roles: Roles
    columns: tuple[str, ...]
    rows: Sequence[Row]
    contents: Sequence[Content]
    names: Sequence[str]
    """What each image is called."""
    class_names: tuple[str, ...] = ()


def open_table(path: Path, config: DataConfig) -> FileSource:
    """Open a table of images; paths in it are relative to it.

    Raises:
        DataError: columns are lacking, a split has an unknown name, a number is no number, no file is there.
    """
    return open_tables([path], config, name=path.stem, location=path)


def open_tables(paths: Sequence[Path], config: DataConfig, *, name: str, location: Path) -> FileSource:
    """Open the parts of one table as one: train-00000-of-00002.parquet and so on, whose names tell the split.

    Raises:
        DataError: as `open_table`; the parts have other columns.
    """
    parts: list[Part] = []
    kept = RowGroups()
    for path in paths:
        around = shown(path.parent.relative_to(location).as_posix()) if len(paths) > 1 else "."
        parts.append(_read(path, config, sum(len(part.rows) for part in parts), around, kept))
    first = parts[0]
    for part in parts[1:]:
        if (part.roles, part.class_names) != (first.roles, first.class_names):
            raise DataError(
                f"{here(part.path)} has other columns or classes than {here(first.path)}; name one of them."
            )
    rows = [row for part in parts for row in part.rows]
    if not rows:
        raise DataError(f"{here(location)} has no lines below its head; add one for each image: path,label")
    contents = [content for part in parts for content in part.contents]
    labels = read_labels(
        [row.label for row in rows], [row.where for row in rows], config.task, first.class_names
    )
    splits, split_notes = _splits(parts, first.roles)
    group, group_notes = _groups(rows, first.roles)
    _refuse_lost(location, contents)
    items, unlabelled = [], []
    ids = [name for part in parts for name in part.names]
    for index, label in enumerate(labels.values):
        if label is None:
            unlabelled.append(Quarantined(ids[index], NO_LABEL))
        else:
            items.append(Item(ids[index], label, splits[index], group[index], contents[index]))
    if not items:
        raise DataError(f"{here(location)}: no line has a label in its column {first.roles.label}")
    source = FileSource(
        name=name,
        location=location,
        items=tuple(items),
        class_names=_class_names(items) if labels.task == "classification" else (),
        task_hint=labels.task,
        quarantined=tuple(unlabelled),
        notes=(*labels.notes, *split_notes, *group_notes, *_listed_twice(items)),
    )
    return _grouped(source, config.group_by, first)


def _class_names(items: Sequence[Item]) -> tuple[str, ...]:
    return natural_order(str(item.label) for item in items)


def _grouped(source: FileSource, group_by: str | None, part: Part) -> FileSource:
    if part.roles.group is not None and (group_by or any(item.group for item in source.items)):
        return tell_groups(source, part.roles.group)
    return group_by_path(source, group_by, part.columns) if group_by else source


def _read(path: Path, config: DataConfig, first: int, around: str, kept: RowGroups) -> Part:
    """Read one part; `first` is the number of its first image, `around` its folder in what was asked for."""
    if path.suffix.casefold() == ".parquet":
        table = read_parquet(path, config.group_by, kept)
        if table.images is not None:
            names = [
                f"{first + i:06d}/{shown(row.path)}" if row.path else f"{first + i:06d}"
                for i, row in enumerate(table.rows)
            ]
            return Part(path, table.roles, table.columns, table.rows, table.images, names, table.class_names)
        roles, columns, rows, class_names = table.roles, table.columns, table.rows, table.class_names
    else:
        read = read_json_lines if path.suffix.casefold() == ".jsonl" else read_csv
        (roles, columns, rows), class_names = read(path, config.group_by), ()
    whereabouts = Whereabouts(path.parent)
    contents = [ListedFile(whereabouts, row.path) if row.path else InMemory(b"") for row in rows]
    names = [shown(row.path) if row.path else row.where.rpartition(", ")[2] for row in rows]
    names = names if around == "." else [f"{around}/{name}" for name in names]
    return Part(path, roles, columns, rows, contents, names, class_names)


def _refuse_lost(location: Path, contents: Sequence[Content]) -> None:
    """Stop where most of the files are not there: something is wrong with the paths, not with the files."""
    files = [content for content in contents if isinstance(content, ListedFile)]
    step = max(1, len(files) // _LOOKED_FOR)
    looked = files[::step]
    lost = [file for file in looked if not file.is_there]
    if 2 * len(lost) <= len(looked):
        return
    one = lost[0]
    found = one.whereabouts.what_would_work(one.name, [file.name for file in lost])
    reason = f"{shown(one.name)} is not there" + (f", but {found}" if found else "")
    count = f"{len(lost):,} of {len(looked):,} files" + (" looked for" if len(looked) < len(files) else "")
    raise DataError(
        f"{here(location)}: {count} are not there. Paths begin in {here(one.whereabouts.folder)}: {reason}"
    )


def _splits(parts: Sequence[Part], roles: Roles) -> tuple[list[Split | None], list[str]]:
    """The split of each line: as its column says, else as the name of its file does."""
    rows = [row for part in parts for row in part.rows]
    notes: list[str] = []
    if roles.split is not None:
        texts = [text_of(row.split) for row in rows]
        unknown = [index for index, text in enumerate(texts) if text is not None and read_split(text) is None]
        if not unknown:
            return [None if text is None else read_split(text) for text in texts], _renamed(
                roles.split, texts
            )
        if roles.split.casefold() == "split":
            raise DataError(
                f"{rows[unknown[0]].where}: split {rows[unknown[0]].split!r} is not known. "
                "Use train, validation, test or nothing."
            )
        notes = [] if len(unknown) == sum(map(bool, texts)) else [_not_used(roles.split, texts, unknown)]
    by_file = [
        read_split(part.path.stem.partition("-")[0]) or read_split(part.path.parent.name) for part in parts
    ]
    if len(parts) < 2 or None in by_file or len(set(by_file)) < 2:
        return [None] * len(rows), notes
    return [split for part, split in zip(parts, by_file, strict=True) for _ in part.rows], notes


def _not_used(column: str, texts: Sequence[str | None], unknown: Sequence[int]) -> str:
    return (
        f"column {column} looks like splits and is not used, as {texts[unknown[0]]!r} means none: "
        "name it split, with train, validation and test in it"
    )


def _renamed(column: str, texts: Sequence[str | None]) -> list[str]:
    if column.casefold() == "split" or not any(texts):
        return []
    return [f"the splits are those of the column {column}"]


def _groups(rows: Sequence[Row], roles: Roles) -> tuple[list[str | None], list[str]]:
    groups = [text_of(row.group, NULLS) for row in rows]
    if roles.group is not None or roles.like_groups is None:
        return groups, []
    named = [group for group in groups if group is not None]
    nobody: list[str | None] = [None] * len(rows)
    if len(set(named)) < 2 or len(set(named)) == len(named):
        return nobody, []
    column = roles.like_groups
    return nobody, [
        f"column {column} has {len(set(named)):,} values for {len(named):,} images; "
        f"if images of one resemble each other, keep them together: --group-by {column}"
    ]


def _listed_twice(items: Sequence[Item]) -> list[str]:
    """A path on several lines is several images to a table; with several labels one of them is wrong."""
    labels: dict[str, set[str | float]] = {}
    twice: dict[str, None] = {}
    for item in items:
        if item.id in labels:
            twice[item.id] = None
        labels.setdefault(item.id, set()).add(item.label)
    if not twice:
        return []
    lines = some(len(twice), "path stands", "paths stand")
    notes = [f"{lines} on several lines, and on one side of the split: {listed(list(twice), 3)}"]
    torn = [path for path in twice if len(labels[path]) > 1]
    if torn:
        notes.append(f"{some(len(torn), 'path has', 'paths have')} two labels: {quoted(torn, 3)}")
    return notes
