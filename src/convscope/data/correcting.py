"""Corrections put to the images of a source: checked against what is there, then applied."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.classes import canonical
from convscope.data.corrections import REMOVE, Correction
from convscope.data.example import Example
from convscope.data.quarantine import Quarantined
from convscope.data.sources.source import Split
from convscope.errors import DataError
from convscope.wording import listed, meant, near, rounded, shown, some

NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """An image whose label is another than its source gives it.

    Attributes:
        id: its path inside the source.
        content: the hash of its content.
        split: where it stands, or would stand.
        old: the label that the source gives it.
        new: the label that it has; None for one that stays out.
    """

    id: str
    content: str
    split: Split
    old: str
    new: str | None

    @property
    def correction(self) -> Correction:
        """What corrected it."""
        return Correction(path=self.id, content=self.content, old=self.old, new=self.new)

    def to_dict(self) -> dict[str, Any]:
        """As a run keeps it."""
        return {
            "path": self.id,
            "content": self.content,
            "split": self.split,
            "old": self.old,
            "new": REMOVE if self.new is None else self.new,
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Corrected":
        """The inverse of `to_dict`."""
        return Corrected(
            id=values["path"],
            content=values["content"],
            split=values["split"],
            old=values["old"],
            new=None if values["new"] == REMOVE else values["new"],
        )


def correct(
    examples: Sequence[Example],
    corrections: Sequence[Correction],
    *,
    class_names: Sequence[str],
    source: str,
    quarantined: Sequence[Quarantined] = (),
) -> tuple[str | float | None, ...]:
    """The label of each example after the corrections; None for one that is to stay out.

    All copies of an image that have the old label are corrected with it.

    Args:
        examples: all usable images of the source.
        corrections: as they were read.
        class_names: what a new label may be; empty where labels are numbers.
        source: as it was typed, to be named in messages and to understand paths that begin with it.
        quarantined: what stays out of the source, and why.

    Raises:
        DataError: an image is not there, a new label is no class, an old one does not hold, or two lines
            contradict each other; naming the first three such lines.
    """
    book = _Book(examples, class_names, source, {canonical(each.path): each.reason for each in quarantined})
    labels: list[str | float | None] = [example.label for example in examples]
    decided: dict[str, Correction] = {}
    wrong: list[str] = []
    for each in corrections:
        try:
            rows, label = book.rows_of(each), book.new_label_of(each)
            before = decided.setdefault(examples[rows[0]].hash, each)
            if before.new != each.new:
                raise DataError(f"it shall be {_said(each)}, and by {before.where} {_said(before)}")
        except DataError as error:
            wrong.append(f"{each.where}: {each.image}: {error}" if each.where else f"{each.image}: {error}")
        else:
            for row in rows:
                labels[row] = label
    if wrong:
        more = f"\nand {some(len(wrong) - NAMED, 'more line')} like that" if len(wrong) > NAMED else ""
        raise DataError("\n".join(wrong[:NAMED]) + more)
    return tuple(labels)


@dataclass(frozen=True)
class _Book:
    """Finds images and labels by what a line says of them; its errors name neither line nor image."""

    examples: Sequence[Example]
    class_names: Sequence[str]
    source: str
    broken: dict[str, str]
    """Why files stay out, by path in the spelling that corrections have."""

    @cached_property
    def _by_content(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for row, example in enumerate(self.examples):
            found[example.hash].append(row)
        return found

    @cached_property
    def _content_at(self) -> dict[str, str]:
        """By the one spelling that corrections have; of two images with it, the one that is spelled so."""
        last_counts = sorted(self.examples, key=lambda example: example.id == canonical(example.id))
        return {canonical(example.id): example.hash for example in last_counts}

    def rows_of(self, wanted: Correction) -> list[int]:
        """All copies of the image that have the label which is to be corrected."""
        copies = self._by_content.get(wanted.content or self._content_at.get(self._inside(wanted.path), ""))
        if not copies:
            raise DataError(self._unknown(wanted))
        rows = [row for row in copies if self._is_labelled(row, wanted.old)]
        if not rows:
            label = self.examples[copies[0]].label
            has = rounded(label) if isinstance(label, float) else f"'{label}'"
            already = label == wanted.new
            then = "as it should be: take the line out" if already else f"and not '{wanted.old}'"
            raise DataError(f"its label is {has} now, {then}")
        return rows

    def new_label_of(self, wanted: Correction) -> str | float | None:
        """As examples have it."""
        if wanted.new is None:
            if REMOVE in self.class_names:
                raise DataError(
                    f"'{REMOVE}' is a class of these images too, so what is meant is not known: give that "
                    "class another name"
                )
            return None
        if not self.class_names:
            number = _number(wanted.new)
            if math.isnan(number):
                raise DataError(f"'{wanted.new}' is no number, and these images have numbers")
            return number
        if wanted.new not in self.class_names:
            hint = meant(near(wanted.new, self.class_names, 2), f"known: {listed(self.class_names, 20)}")
            raise DataError(f"'{wanted.new}' is not a class of these images; {hint}")
        return wanted.new

    def _is_labelled(self, row: int, text: str) -> bool:
        label = self.examples[row].label
        if isinstance(label, str):
            return label == text
        return bool(np.float32(label) == np.float32(_number(text)))  # numbers are kept in 32 bits

    def _inside(self, path: str) -> str:
        """A path as the source has it: it may be written as it is seen from where one stands."""
        text = path.replace("\\", "/")
        for begin in map(canonical, (self.source, str(Path(self.source).expanduser().absolute()))):
            inside = text.removeprefix("./").removeprefix(f"{begin.removeprefix('./').rstrip('/')}/")
            if inside in self._content_at or inside in self.broken:
                return inside
        return text

    def _unknown(self, wanted: Correction) -> str:
        path = self._inside(wanted.path)
        if path in self.broken:
            return f"it stays out anyway: {self.broken[path]}"
        if path in self._content_at:
            return f"another image lies there now: its content is {self._content_at[path]}"
        hint = meant([shown(each) for each in near(path, self._content_at, 2)]) if wanted.path else ""
        return f"{self.source} has no such image" + (f"; {hint}" if hint else "")


def _number(text: str) -> float:
    """The number, or nan."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _said(correction: Correction) -> str:
    return "left out" if correction.new is None else f"'{correction.new}'"
