"""Tables in Parquet, of one file or of several: with paths, or with the images inside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.data.quarantine import BrokenImage
from convscope.data.sources.contents import DiskFile
from convscope.data.sources.source import Content
from convscope.data.sources.table.columns import PATH, Roles, Row, find_roles
from convscope.data.sources.table.labels import text_of
from convscope.data.threads import in_flight
from convscope.errors import DataError
from convscope.wording import here


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """One file, read but for its images."""

    roles: Roles
    columns: tuple[str, ...]
    rows: list[Row]
    images: list[Content] | None
    """The image of each row, where the images lie inside."""
    class_names: tuple[str, ...]
    """As the file's metadata tell them; labels are then indices."""


class RowGroups:
    """The stretches of a table's images that were used last, as images are read in order.

    The rows that threads are at, next to each other, fill some stretches and may lie in one more at either
    end: so many are kept. With fewer, each thread would push out what the next one needs, and stretches be
    read anew for every few images; more would be memory without use. The files of a table share them:
    when a file is through, its images go.
    """

    def __init__(self) -> None:
        self._recent: dict[tuple[ImageColumn, int], Any] = {}
        self._lock = threading.Lock()

    def of(self, column: ImageColumn, row_group: int) -> Any:
        """One stretch of one file; read unless it is here."""
        key = (column, row_group)
        with self._lock:
            cells = self._recent.pop(key, None)
            if cells is None:
                self._make_room()
                cells = column.read(row_group)
            self._recent[key] = cells  # at the end: what was used longest ago is at the beginning
            return cells

    def _make_room(self) -> None:
        held = sum(len(cells) for cells in self._recent.values())
        for key in list(self._recent):
            held -= len(self._recent[key])
            if held < in_flight():
                break
            del self._recent[key]


class ImageColumn:
    """The image column of a Parquet file."""

    def __init__(self, file: Any, name: str, kept: RowGroups) -> None:
        self._file, self._name, self._kept = file, name, kept

    def cell(self, row_group: int, row: int) -> tuple[bytes | None, str | None]:
        """Bytes and path in one cell, as far as it holds them."""
        value = self._kept.of(self, row_group)[row].as_py()
        return (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)

    def read(self, row_group: int) -> Any:
        """A stretch of it; one thread at a time."""
        table = self._file.read_row_group(row_group, columns=[self._name], use_threads=False)
        return table.column(self._name)


@dataclass(frozen=True, slots=True)
class ParquetImage:
    """The bytes of one image inside a Parquet file, read when they are asked for."""

    column: ImageColumn
    row_group: int
    row: int
    folder: Path
    """Where the file lies: a cell may hold a path alone."""

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`."""
        import pyarrow

        try:
            content, path = self.column.cell(self.row_group, self.row)
        except (pyarrow.ArrowException, OSError) as error:
            raise BrokenImage("damaged in the table") from error
        if content is None and path:
            return DiskFile(self.folder / path).read(limit)
        if content is None:
            raise BrokenImage("no bytes in the table")
        return bytes(content[:limit])


def read_parquet(path: Path, group_by: str | None, kept: RowGroups) -> ParquetTable:
    """Read a table but for the images inside.

    Args:
        path: the file.
        group_by: as the config has it.
        kept: where its images are kept when they are read; one for all the files of a table.

    Raises:
        DataError: it is no Parquet, a column is lacking, or images are held in a way that is not known.
    """
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DataError(f"{here(path)} needs the package pyarrow: pip install pyarrow") from error
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        roles = find_roles(_images_first(schema), str(path), group_by)
        inside = _lies_inside(schema.field(roles.path).type, path, roles.path)
        others = [name for name in roles.names if name != roles.path]
        column = ImageColumn(file, roles.path, kept)
        fields = [*others, *_name_fields(schema, roles.path, inside=inside)]
        rows: list[Row] = []
        images: list[Content] = []
        for group in range(file.num_row_groups):
            for row, cells in enumerate(_cells(file, group, fields)):
                rows.append(_row(f"{here(path)}, line {len(rows) + 1}", roles, cells))
                if inside:
                    images.append(ParquetImage(column, group, row, path.parent))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{here(path)} is no Parquet file that can be read: {error}") from error
    names = _class_names(schema.metadata or {}, roles.label)
    return ParquetTable(roles, tuple(schema.names), rows, images if inside else None, names)


def _images_first(schema: Any) -> list[str]:
    """The columns; of those that could be the path only the one that holds images, where one does."""
    from pyarrow import types

    def holds_images(name: str) -> bool:
        kind = schema.field(name).type
        return bool(types.is_struct(kind) or types.is_binary(kind) or types.is_large_binary(kind))

    holding = [name for name in schema.names if name.casefold() in PATH and holds_images(name)]
    if not holding:
        return list(schema.names)
    return [name for name in schema.names if name == holding[0] or name.casefold() not in PATH]


def _lies_inside(kind: Any, path: Path, name: str) -> bool:
    from pyarrow import types

    if types.is_binary(kind) or types.is_large_binary(kind):
        return True
    if types.is_struct(kind):
        if kind.get_field_index("bytes") >= 0:
            return True
        raise DataError(
            f"{here(path)}: column {name} holds {kind}; an image inside is bytes, or {{bytes, path}}"
        )
    if (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_dictionary(kind)
        or types.is_integer(kind)
    ):
        return False
    raise DataError(f"{here(path)}: column {name} holds {kind}, neither paths nor the bytes of image files")


def _name_fields(schema: Any, name: str, *, inside: bool) -> list[str]:
    if not inside:
        return [name]
    kind = schema.field(name).type
    is_struct = hasattr(kind, "get_field_index") and kind.get_field_index("path") >= 0
    return [f"{name}.path"] if is_struct else []


def _cells(file: Any, group: int, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    table = file.read_row_group(group, columns=list(fields))
    rows: list[Mapping[str, Any]] = table.to_pylist() if fields else [{}] * table.num_rows
    yield from rows


def _row(where: str, roles: Roles, cells: Mapping[str, Any]) -> Row:
    def cell(name: str | None) -> object:
        return None if name is None else cells.get(name)

    path = cell(roles.path)
    path = path.get("path") if isinstance(path, dict) else path
    return Row(
        where, text_of(path), cell(roles.label), cell(roles.split), cell(roles.group or roles.like_groups)
    )


def _class_names(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError):
        return ()
