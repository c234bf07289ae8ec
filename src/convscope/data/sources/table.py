"""Tables of images: CSV with `path,label[,split][,group]`, and Parquet with the same or the images inside.

Parquet may follow the Hugging Face layout: a column `image` of {bytes, path} and a column `label`, whose
class names stand in the file's metadata.
"""

import csv
import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.config.asked import DataConfig, Task
from convscope.data.classes import canonical, natural_order
from convscope.data.quarantine import NO_LABEL, BrokenImage, Quarantined
from convscope.data.sources.contents import DiskFile
from convscope.data.sources.grouping import group_by_path, tell_groups
from convscope.data.sources.layout import SPLIT_NAMES
from convscope.data.sources.source import Content, FileSource, Item, Split
from convscope.errors import DataError

MOST_CLASSES = 20
"""More different whole numbers than this are taken for amounts, fewer for names."""
_KEPT_ROW_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    id: str
    values: Mapping[str, Any]
    content: Content


class ParquetColumn:
    """The image column of a Parquet file; the stretches read last are kept, as images are read in order."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._recent: dict[int, Any] = {}
        self._lock = threading.Lock()

    def cell(self, row_group: int, row: int) -> dict[str, Any]:
        """One cell: {bytes, path}."""
        with self._lock:
            if row_group not in self._recent:
                while len(self._recent) >= _KEPT_ROW_GROUPS:
                    del self._recent[next(iter(self._recent))]
                table = self._file.read_row_group(row_group, columns=["image"], use_threads=False)
                self._recent[row_group] = table.column("image")
            column = self._recent[row_group]
        return column[row].as_py() or {}


@dataclass(frozen=True, slots=True)
class ParquetImage:
    """The bytes of one image inside a Parquet file, read when they are asked for."""

    column: ParquetColumn
    row_group: int
    row: int

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        content = self.column.cell(self.row_group, self.row).get("bytes")
        if content is None:
            raise BrokenImage("no bytes in the table")
        return bytes(content[:limit])


def open_table(path: Path, config: DataConfig) -> FileSource:
    """Open a table of images; paths in it are relative to it.

    Raises:
        DataError: columns are lacking, a split has an unknown name, a number is no number.
    """
    names: Sequence[str] = ()
    if path.suffix.casefold() == ".parquet":
        rows, names = _parquet_rows(path)
    else:
        rows = list(_csv_rows(path))
    if not rows:
        raise DataError(f"{path} has no lines below its head; add one for each image: path,label")
    task = config.task or guess_task([row.values.get("label") for row in rows], named=bool(names))
    grouped = config.group_by in rows[0].values if config.group_by else "group" in rows[0].values
    column = (config.group_by or "group") if grouped else None
    items = []
    unlabelled = []
    for line, row in enumerate(rows, start=1):
        where = f"{path}, line {line + 1}"
        group = _text(row.values[column]) if column else None
        label = _label(row.values.get("label"), task, names, where)
        if label is None:
            unlabelled.append(Quarantined(row.id, NO_LABEL))
        else:
            items.append(Item(row.id, label, _split(row.values.get("split"), where), group, row.content))
    source = FileSource(
        name=path.stem,
        location=path,
        items=tuple(items),
        class_names=_named(items) if task == "classification" else (),
        task_hint=task,
        quarantined=tuple(unlabelled),
    )
    if column is not None and (config.group_by or any(item.group for item in items)):
        return tell_groups(source, column)
    return group_by_path(source, config.group_by, list(rows[0].values)) if config.group_by else source


def _text(value: Any) -> str | None:
    """What a cell says; None where it says nothing. Zero says something."""
    text = "" if value is None or value != value else str(value).strip()
    return text or None


def _named(items: Sequence[Item]) -> tuple[str, ...]:
    return natural_order(str(item.label) for item in items)


def guess_task(labels: Sequence[Any], *, named: bool = False) -> Task:
    """Regression when labels are numbers and either not whole or of more than 20 kinds."""
    numbers = [_number(label) for label in labels]
    if named or any(number is None for number in numbers):
        return "classification"
    whole = all(number is not None and number.is_integer() for number in numbers)
    return "regression" if not whole or len(set(numbers)) > MOST_CLASSES else "classification"


def _csv_rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter = "\t" if path.suffix.casefold() == ".tsv" else _delimiter(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter)
            _check_columns(path, [name.strip() for name in reader.fieldnames or ()], {"path", "label"})
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            for values in reader:
                name = (values.get("path") or "").strip()
                yield Row(name, values, DiskFile(path.parent / name))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV in UTF-8: {error}. Save it again as one.") from error


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _parquet_rows(path: Path) -> tuple[list[Row], Sequence[str]]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DataError(f"{path} needs the package pyarrow: pip install 'convscope[tables]'") from error
    try:
        file = parquet.ParquetFile(path)
        columns = file.schema_arrow.names
        inside = "image" in columns
        _check_columns(path, columns, {"image" if inside else "path", "label"})
        others = [name for name in columns if name != "image"]
        column = ParquetColumn(file)
        rows: list[Row] = []
        for group in range(file.num_row_groups):
            fields = [*others, "image.path"] if inside else others
            table = file.read_row_group(group, columns=fields).to_pylist()
            first = len(rows)
            for row, values in enumerate(table):
                content = ParquetImage(column, group, row) if inside else None
                rows.append(_parquet_row(path, first + row, values, content))
        return rows, _class_names(file.schema_arrow.metadata or {})
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file that can be read: {error}") from error


def _parquet_row(path: Path, number: int, values: Mapping[str, Any], content: Content | None) -> Row:
    if content is None:
        return Row(str(values["path"]), values, DiskFile(path.parent / str(values["path"])))
    name = (values.get("image") or {}).get("path")
    return Row(f"{number:06d}/{name}" if name else f"{number:06d}", values, content)


def _class_names(metadata: Mapping[bytes, bytes]) -> Sequence[str]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return [str(name) for name in features["label"]["names"]]
    except (KeyError, TypeError, ValueError):
        return ()


def _check_columns(path: Path, columns: Sequence[str], needed: set[str]) -> None:
    lacking = sorted(needed - set(columns))
    if lacking:
        raise DataError(
            f"{path} lacks the column {' and '.join(lacking)}; it has: {', '.join(columns) or 'none'}.\n"
            "A table of images has path,label and may have split and group; Parquet may have image for path."
        )


def _label(value: Any, task: Task, names: Sequence[str], where: str) -> str | float | None:
    if value is None or value == "":
        return None
    if task == "regression":
        number = _number(value)
        if number is None:
            raise DataError(f"{where}: label {value!r} is no number. Mend it, or use --task classification")
        return number
    if names and isinstance(value, int):
        return canonical(names[value]) if 0 <= value < len(names) else None
    return canonical(str(value).strip())


def _split(value: Any, where: str) -> Split | None:
    text = str(value or "").strip().casefold()
    if text and text not in SPLIT_NAMES:
        raise DataError(f"{where}: split {value!r} is not known. Use train, validation, test or nothing.")
    return SPLIT_NAMES.get(text)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
