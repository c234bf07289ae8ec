"""Tables in text: CSV, TSV and JSON lines. What could swallow or shift a line is refused with its number."""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from convscope.data.sources.table.columns import Roles, Row, find_roles
from convscope.data.sources.table.labels import text_of
from convscope.errors import DataError
from convscope.wording import here

_SEPARATORS = ",;\t|"
_TOLD = "sep="
"""Excel writes sep=; above the header to say what separates the cells."""


def read_csv(path: Path, group_by: str | None) -> tuple[Roles, tuple[str, ...], list[Row]]:
    """The roles of the columns, all columns, and the lines.

    Raises:
        DataError: a column is lacking; a quote is not closed; a line has more cells than there are columns.
    """
    lines = cells_of(path)
    columns = tuple(next(lines, (0, []))[1])
    roles = find_roles([name for name in columns if name], str(path), group_by)
    rows = [
        _row(f"{here(path)}, line {line}", roles, dict(zip(columns, cells, strict=False)))
        for line, cells in lines
    ]
    return roles, columns, rows


def cells_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of the header, then of each row that is not empty; nothing of an empty file.

    Raises:
        DataError: a quote is not closed; a line has more cells than there are columns; it is no text.
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        separator = _separator(path, file.readline())
        file.seek(0)
        if file.readline().casefold().startswith(_TOLD):
            skipped = 1
        else:
            skipped = 0
            file.seek(0)
        reader = csv.reader(file, delimiter=separator, strict=True)
        for line, names in itertools.islice(_unbroken(reader, path, skipped, None), 1):
            columns = [name.strip() for name in names]
            yield line, columns
            for row, cells in _unbroken(reader, path, skipped, tuple(columns)):
                if any(cell.strip() for cell in cells):
                    yield row, cells


def read_json_lines(path: Path, group_by: str | None) -> tuple[Roles, tuple[str, ...], list[Row]]:
    """As `read_csv`, of a file with one JSON object a line.

    Raises:
        DataError: a line is no JSON object; a column is lacking.
    """
    objects: list[tuple[str, Mapping[str, object]]] = []
    with _opened(path) as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                value = json.loads(text)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise DataError(
                    f'{here(path)}, line {number} is no JSON object. Each line is one: {{"file_name": …}}'
                )
            objects.append((f"{here(path)}, line {number}", value))
    columns = tuple(dict.fromkeys(name for _, value in objects for name in value))
    roles = find_roles(columns, str(path), group_by)
    return roles, columns, [_row(where, roles, value) for where, value in objects]


def _row(where: str, roles: Roles, cells: Mapping[str, object]) -> Row:
    def cell(name: str | None) -> object:
        return None if name is None else cells.get(name)

    path = text_of(cell(roles.path))
    return Row(where, path, cell(roles.label), cell(roles.split), cell(roles.group or roles.like_groups))


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as file:
        head = file.read(2)
    encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        with path.open(newline="", encoding=encoding) as text:
            yield text
    except UnicodeError as error:
        raise DataError(
            f"{here(path)} is no text in UTF-8: {error}. Save it again as one; in Excel: as 'CSV UTF-8'."
        ) from error


def _separator(path: Path, head: str) -> str:
    if head.casefold().startswith(_TOLD) and len(head.rstrip()) > len(_TOLD):
        return head[len(_TOLD)]
    if path.suffix.casefold() == ".tsv" and "\t" in head:
        return "\t"
    return max(_SEPARATORS, key=head.count)


def _unbroken(
    reader: Any, path: Path, skipped: int, columns: tuple[str, ...] | None
) -> Iterator[tuple[int, list[str]]]:
    """First line and cells of each row; without `columns`, of the header.

    Raises:
        DataError: the row holds other rows, or more cells than there are columns.
    """
    while True:
        line = reader.line_num + skipped + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(_swallows(path, line, str(error))) from error
        if columns is not None:
            if any(_holds_rows(cell, reader.dialect.delimiter, len(columns)) for cell in cells):
                raise DataError(_swallows(path, line, "one cell goes on over several lines"))
            if len(cells) == 1 < len(columns) and reader.dialect.delimiter in cells[0]:
                raise DataError(
                    f"{here(path)}, line {line} is a single cell: take the quotes around the line away."
                )
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise DataError(
                    f"{here(path)}, line {line} has {len(cells)} cells, and the header {len(columns)}. "
                    f"A name with '{reader.dialect.delimiter}' in it needs quotes around it."
                )
        yield line, cells


def _holds_rows(cell: str, separator: str, columns: int) -> bool:
    """Whether other rows were swallowed by this cell; a text of several lines is none of them."""
    return any(line.count(separator) >= max(1, columns - 2) for line in cell.splitlines()[1:])


def _swallows(path: Path, line: int, what: str) -> str:
    return (
        f'{here(path)}, line {line}: {what}. A quote (") that is not closed, or too much, '
        "swallows the lines after it; mend it."
    )
