"""What the labels of a table are: names of classes, or numbers to predict."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np

from convscope.config.asked import Task
from convscope.data.classes import canonical, look_alikes
from convscope.errors import DataError
from convscope.wording import listed, quoted, some

MOST_CLASSES = 20
"""More different whole numbers than this are taken for amounts, fewer for names."""
NULLS = frozenset({"", "nan", "null", "n/a", "#n/a", "#na", "<na>", "nat"})
"""What programs write where there is no value, in any case."""
NULLS_AMONG_NUMBERS = NULLS | {"none", "na", "nil", "-", "--", "?", ".", "missing"}
"""These may be names of classes; among numbers they are none."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
"""1,234 may be a thousand or a little more than one: it is no number."""
_ZERO_PADDED = re.compile(r"0\d+", re.ASCII)
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of all lines, read."""

    task: Task
    values: tuple[str | float | None, ...]
    """Of each line; None for one without a label."""
    notes: tuple[str, ...] = ()


def read_labels(
    cells: Sequence[object],
    where: Sequence[str],
    task: Task | None = None,
    names: Sequence[str] = (),
) -> Labels:
    """Read a column of labels.

    Args:
        cells: as the table holds them.
        where: table and line of each, for messages.
        task: as it was asked for; chosen from the labels where it was not.
        names: of the classes, where the table tells them; whole numbers are then indices.

    Raises:
        DataError: a label among numbers is none; the labels are neither numbers nor classes.
    """
    _refuse_compounds(cells, where)
    if names:
        return _by_index(cells, where, names)
    numbers = _numbers(cells)
    bad = [i for i, n in enumerate(numbers) if n is None and not _is_null(cells[i], NULLS_AMONG_NUMBERS)]
    there = [index for index, number in enumerate(numbers) if number is not None]
    reason = _names_although_numbers([cells[index] for index in there])
    if task is None:
        if bad and _would_be_amounts(there, bad, numbers) and not reason:
            raise DataError(_mixed(bad, cells, where, len(there)))
        task, reason = ("classification", "") if bad or not there else _guess(numbers, reason)
        _refuse_a_class_each(task, cells, where)
    elif task == "classification" or not bad:
        reason = ""
    else:
        raise DataError(
            f"{where[bad[0]]}: label {_text(cells[bad[0]])!r} is no number. "
            "Mend it, or use --task classification"
        )
    if task == "regression":
        return Labels(task, numbers, (*_notes_of_numbers(cells, numbers, where), *_sentence(reason)))
    values = _names(cells, numbers_only=not bad)
    return Labels(task, values, (*_sentence(reason), *_odd_names(values, there, bad, cells, where)))


def guess_task(labels: Sequence[object], *, named: bool = False) -> Task:
    """Regression when labels are numbers and either not whole or of more than 20 kinds."""
    numbers = _numbers(labels)
    if named or any(
        number is None and not _is_null(label, NULLS_AMONG_NUMBERS)
        for number, label in zip(numbers, labels, strict=True)
    ):
        return "classification"
    return _guess(numbers, _names_although_numbers(labels))[0]


def text_of(cell: object, nulls: frozenset[str] = frozenset({""})) -> str | None:
    """What a cell says; None where it says nothing, or one of `nulls`. Zero says something."""
    if _is_null(cell, nulls):
        return None
    return _text(cell)


def _guess(numbers: Sequence[float | None], although: str) -> tuple[Task, str]:
    kinds = {number for number in numbers if number is not None}
    if although or not kinds:
        return "classification", although
    if not all(number.is_integer() for number in kinds):
        few = len(kinds) <= MOST_CLASSES and len(numbers) > 2 * len(kinds)
        why = f"labels are {len(kinds)} numbers, not all whole: taken for amounts. If they are names: "
        return "regression", f"{why}--task classification" if few else ""
    what = f"labels are {len(kinds):,} different whole numbers ({min(kinds):g} to {max(kinds):g})"
    if len(kinds) > MOST_CLASSES:
        return (
            "regression",
            f"{what}: so many are taken for amounts. If they are names: --task classification",
        )
    return "classification", f"{what}: so few are taken for names. If they are amounts: --task regression"


def _names_although_numbers(cells: Sequence[object]) -> str:
    padded = next(
        (cell for cell in cells if isinstance(cell, str) and _ZERO_PADDED.fullmatch(cell.strip())), None
    )
    if padded is None:
        return ""
    example = f"labels such as '{padded.strip()}' are names, for the zero before"
    return f"{example}. If they are amounts: --task regression"


def _would_be_amounts(there: Sequence[int], bad: Sequence[int], numbers: Sequence[float | None]) -> bool:
    return len(there) > len(bad) and _guess([numbers[index] for index in there], "")[0] == "regression"


def _mixed(bad: Sequence[int], cells: Sequence[object], where: Sequence[str], good: int) -> str:
    count = some(len(bad), "label is no number", "labels are no numbers")
    table = where[bad[0]].rpartition(", ")[0]
    lines = listed([f"{where[index].rpartition(', ')[2]} {_text(cells[index])!r}" for index in bad], 3)
    return (
        f"{table}: {count}, beside {good:,} that are: {lines}.\n"
        "Mend them, or leave them empty to leave them out; if all are names of classes: --task classification"
    )


def _refuse_a_class_each(task: Task, cells: Sequence[object], where: Sequence[str]) -> None:
    """Almost as many names as images: a column of names of something else, or numbers in disguise."""
    if task == "regression":
        return
    texts = [_text(cell) for cell in cells if not _is_null(cell, NULLS)]
    kinds = set(texts)
    if len(kinds) <= MOST_CLASSES or 2 * len(kinds) <= len(texts):
        return
    table = where[0].rpartition(", ")[0]
    raise DataError(
        f"{table}: {len(texts):,} images have {len(kinds):,} different labels, such as {quoted(texts, 3)}: "
        "neither numbers nor classes.\nGive another column the name label, or, if they are classes: "
        "--task classification"
    )


def _refuse_compounds(cells: Sequence[object], where: Sequence[str]) -> None:
    """An image has one label; several, or boxes, are another task."""
    for cell, place in zip(cells, where, strict=True):
        if isinstance(cell, list | dict | bytes):
            kind = {list: "a list", dict: "a structure", bytes: "bytes"}[type(cell)]
            raise DataError(
                f"{place}: the label is {kind}; convscope takes one name or number for each image"
            )


def _by_index(cells: Sequence[object], where: Sequence[str], names: Sequence[str]) -> Labels:
    values: list[str | None] = []
    for cell, place in zip(cells, where, strict=True):
        if _is_null(cell, NULLS) or cell == -1:
            values.append(None)
        elif isinstance(cell, int) and not isinstance(cell, bool):
            if not 0 <= cell < len(names):
                raise DataError(
                    f"{place}: label {cell} is not the number of one of its {len(names):,} classes"
                )
            values.append(canonical(names[cell]))
        else:
            values.append(canonical(_text(cell)))
    return Labels("classification", tuple(values))


def _names(cells: Sequence[object], *, numbers_only: bool) -> tuple[str | None, ...]:
    nulls = NULLS_AMONG_NUMBERS if numbers_only else NULLS
    texts = [None if _is_null(cell, nulls) else _text(cell) for cell in cells]
    if numbers_only and _NUMBER.fullmatch(next((text for text in texts if text), "")):
        texts = _one_spelling(texts)
    return tuple(None if text is None else canonical(text) for text in texts)


def _one_spelling(texts: Sequence[str | None]) -> list[str | None]:
    """1 and 1.0 are one class where both are written; 1 and 01 are two."""
    whole = {text for text in texts if text is not None and "." not in text}
    short = {text: text.rstrip("0").rstrip(".") for text in texts if text is not None and "." in text}
    return [short[text] if text in short and short[text] in whole else text for text in texts]


def _odd_names(
    values: Sequence[str | None],
    there: Sequence[int],
    bad: Sequence[int],
    cells: Sequence[object],
    where: Sequence[str],
) -> list[str]:
    notes = look_alikes({value for value in values if value is not None})
    if bad and len(there) > len(bad):
        line = where[bad[0]].rpartition(", ")[2]
        count = some(len(bad), "is none", "are none")
        which = f"{_text(cells[bad[0]])!r}, {line}"
        notes.append(f"labels are whole numbers, but {count} ({which}): all are taken for names of classes")
    return notes


def _notes_of_numbers(
    cells: Sequence[object], numbers: Sequence[float | None], where: Sequence[str]
) -> list[str]:
    there = np.array([number for number in numbers if number is not None], dtype=np.float64)
    table = where[0].rpartition(", ")[0]
    if np.abs(there).max(initial=0) > _LARGEST:
        raise DataError(f"{table}: label {there[np.abs(there).argmax()]:g} is too large; divide all of them.")
    kinds, held = len(np.unique(there)), len(np.unique(there.astype(np.float32)))
    if kinds > 2 * held:
        raise DataError(
            f"{table}: the {kinds:,} different labels from {there.min():g} to {there.max():g} lie too close "
            f"together for their size ({held:,} are told apart). Subtract their mean first."
        )
    notes = [] if kinds > 1 else [f"every label is {there[0]:g}: there is nothing to learn"] if kinds else []
    comma = next((cell for cell in cells if isinstance(cell, str) and "," in cell), None)
    return notes if comma is None else [*notes, f"'{comma.strip()}' is read as {_decimal(comma)}"]


def _numbers(cells: Sequence[object]) -> tuple[float | None, ...]:
    """Each cell as a finite number, or None; with decimal commas where all are written so."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    texts = [text for text in texts if text.casefold() not in NULLS_AMONG_NUMBERS]
    commas = [text for text in texts if "," in text]
    thousands = all(_THOUSANDS.fullmatch(text) for text in commas)
    if commas and not thousands and all(_DECIMAL_COMMA.fullmatch(text) for text in texts):
        return tuple(_number(_decimal(cell) if isinstance(cell, str) else cell) for cell in cells)
    return tuple(map(_number, cells))


def _decimal(text: str) -> str:
    return text.strip().replace(",", ".")


def _number(cell: object) -> float | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, str):
        text = cell.strip()
        return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else None
    if not isinstance(cell, SupportsFloat):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_null(cell: object, nulls: frozenset[str]) -> bool:
    if isinstance(cell, str):
        return cell.strip().casefold() in nulls
    return cell is None or cell != cell


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # whole numbers become such where one cell of a column is empty
    return str(cell).strip()


def _sentence(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
