"""Corrections of labels: a table with one image a line, what its label is and what it should be.

    path,content,old,new
    ant/0017.jpg,9f86d081884c7d65…,ant,bee
    wasp/0003.jpg,,wasp,remove

What is corrected is the image's content, wherever it lies: `content` is its hash, as in a run's `splits.csv`.
A path is a convenience, for whoever writes the table by hand: it stands for the content that lies there.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from convscope.data.classes import canonical
from convscope.data.sources.table.lines import cells_of
from convscope.errors import DataError
from convscope.wording import here, listed, shown

REMOVE = "remove"
"""Stands in place of a new label for: leave the image out."""
COLUMNS = ("path", "content", "old", "new")


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What is wrong about one image's label.

    Attributes:
        path: of the image inside its source; empty where only its content is known.
        content: the hash of its content; empty where only its path is known.
        old: its label.
        new: the label it should have; None leaves the image out.
        where: the table and the line that say so, to be named in messages.
    """

    path: str = ""
    content: str = ""
    old: str
    new: str | None
    where: str = field(default="", compare=False)

    @property
    def image(self) -> str:
        """The image, as a message names it."""
        return shown(self.path or self.content)


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """The lines of a table of corrections, in order.

    Raises:
        DataError: it is not there, is no table, lacks a column, or holds no correction; a line names no image
            or no label, or its old and new label are the same.
    """
    try:
        lines = list(cells_of(path))
    except OSError as error:
        raise DataError(f"--corrections: {here(path)} cannot be read: {error.strerror or error}") from None
    columns = [name.casefold() for name in lines[0][1]] if lines else []
    _check_columns(columns, path)
    found = tuple(
        _correction(dict(zip(columns, cells, strict=False)), f"{here(path)}, line {line}")
        for line, cells in lines[1:]
    )
    if not found:
        raise DataError(f"--corrections: {here(path)} holds no correction, so nothing would change")
    return found


def write_corrections(corrections: Iterable[Correction]) -> bytes:
    """The table that `read_corrections` reads, in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in corrections:
        writer.writerow((each.path, each.content, each.old, REMOVE if each.new is None else each.new))
    return text.getvalue().encode()


def followed_by(first: Sequence[Correction], then: Sequence[Correction]) -> tuple[Correction, ...]:
    """Two tables as one: `then` corrects labels that `first` has corrected already.

    What is back at its first label is no correction any more. Both name every image by its content.
    """
    merged = {each.content: each for each in first}
    for each in then:
        before = merged.pop(each.content, None)
        old = each.old if before is None else before.old
        if each.new != old:
            merged[each.content] = Correction(path=each.path, content=each.content, old=old, new=each.new)
    return tuple(merged.values())


def beyond(own: Sequence[Correction], following: Sequence[Correction]) -> tuple[Correction, ...]:
    """What one table says that another does not: from the labels by the first to those by the second.

    The inverse of `followed_by`; both name every image by its content. What `own` leaves out is passed over.
    """
    left = {each.content: each for each in own}
    found = []
    for each in following:
        before = left.pop(each.content, None)
        old = each.old if before is None else before.new
        if old is not None and each.new != old:
            found.append(Correction(path=each.path, content=each.content, old=old, new=each.new))
    back = (
        Correction(path=each.path, content=each.content, old=each.new, new=each.old)
        for each in left.values()
        if each.new is not None
    )
    return (*back, *found)


def _check_columns(columns: Sequence[str], path: Path) -> None:
    lacking = [name for name in ("old", "new") if name not in columns]
    if not {"path", "content"} & set(columns):
        lacking.insert(0, "path (or content)")
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    if lacking or twice:
        said = f"has two columns {twice[0]}" if twice else f"lacks the column {' and '.join(lacking)}"
        raise DataError(
            f"--corrections: {here(path)} {said}; it has: {shown(listed(columns)) or 'none'}.\n"
            f"Its first line names the columns: {','.join(COLUMNS)}"
        )


def _correction(cells: dict[str, str], where: str) -> Correction:
    path, content, old, new = (canonical(cells.get(name, "").strip()) for name in COLUMNS)
    if not (path or content):
        raise DataError(f"{where} names no image: it has neither path nor content")
    if not (old and new):
        lacking = "new" if old else "old"
        raise DataError(f"{where} has no {lacking} label. To leave an image out, its new label is: {REMOVE}")
    if old == new:
        raise DataError(f"{where} changes nothing: old and new label are both '{old}'")
    return Correction(
        path=path, content=content.casefold(), old=old, new=None if new == REMOVE else new, where=where
    )
