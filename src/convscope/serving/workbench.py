"""The workbench: a folder of runs, each with an id, and the models that were opened of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from convscope.comparison.overview import Listed, Overview
from convscope.errors import RunError
from convscope.runs.folder import CONFIG, Run
from convscope.runs.names import LONGEST
from convscope.serving.models import DEFAULT_MEMORY, Models
from convscope.wording import here, shown

if TYPE_CHECKING:
    from convscope.classifier.classifier import Classifier
    from convscope.looking.subject import Subject

WITHIN = "~"
"""Stands in an id between the name of a group and that of a run in it."""


class UnknownRunError(RunError):
    """No run of this folder has that id."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run as the workbench knows it.

    Attributes:
        id: what addresses name it by; its name below the folder.
        run: the run itself.
        listed: what a list shows of it.
        group: of a run of a group (seeds, for one), the group's id.
    """

    id: str
    run: Run
    listed: Listed
    group: str | None = None

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/runs/{quote(self.id, safe='')}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the list: a run, or a group of seeds as one.

    Attributes:
        id: what a comparison names it by; of a single run the same as its entry's.
        listed: what the line shows.
        runs: the run itself, or those of the group.
    """

    id: str
    listed: Listed
    runs: tuple[Entry, ...]


class Workbench:
    """The runs of a folder, listed anew whenever they are asked for. Threads may share it.

    A folder that is a run itself holds that one.
    """

    def __init__(self, folder: Path, *, memory: int = DEFAULT_MEMORY, threads: int | None = None) -> None:
        """
        Args:
            folder: where runs are, or one run. It need not exist yet.
            memory: bytes that opened models may take together; the one in use may take more.
            threads: that networks compute with; as torch has it unless given.
        """
        self.folder = folder
        self.overview = Overview(folder)
        """Of every run and group what a list shows, read again only where a file changed."""
        self.closing = threading.Event()
        """Set when the server is asked to stop: whoever streams ends."""
        self._models = Models(memory, threads)
        self._known: dict[str, Path] = {}

    def entries(self) -> list[Entry]:
        """All runs, oldest first, and those of groups after them."""
        return [entry for listed in self.rows().values() for entry in listed.runs]

    def rows(self) -> dict[str, Row]:
        """The single runs, oldest first, and after them the groups of seeds, each by its id."""
        found = self.overview.listed()
        rows: dict[str, Row] = {}
        for listed in sorted(found, key=lambda each: bool(each.members)):
            name = _free(rows, shown(name_of(listed.path)))
            rows[name] = Row(id=name, listed=listed, runs=_entries(name, listed))
        return rows

    def find(self, run_id: str) -> Entry:
        """The run that has this id.

        Raises:
            UnknownRunError: there is none.
        """
        for entry in self.entries():
            if entry.id == run_id:
                return entry
        raise UnknownRunError(f"{here(self.folder)} has no run '{shown(run_id)[:LONGEST]}'")

    def path_of(self, run_id: str) -> Path:
        """The folder of the run that has this id; at once where it was asked for before and is still there.

        Raises:
            UnknownRunError: there is none.
        """
        known = self._known.get(run_id)
        if known is None or not os.path.isfile(f"{known}/{CONFIG}"):  # noqa: PTH113 - of each request
            known = self._known[run_id] = self.find(run_id).run.path
        return known

    def open_classifier(self, run_id: str) -> Classifier | None:
        """The classifier of a run if it was opened before and is as it was then, at once; else None."""
        known = self._known.get(run_id)
        return None if known is None else self._models.open(known, "final")

    def find_side(self, side_id: str) -> Path:
        """The folder of the run, or of the group of seeds, that has this id.

        Raises:
            UnknownRunError: there is none.
        """
        rows = self.rows()
        if side_id in rows:
            return rows[side_id].listed.path
        return self.find(side_id).run.path

    def classifier(self, run_id: str, checkpoint: str = "final") -> Classifier:
        """The classifier of a run, kept for the next time. Takes a while: not for the event loop.

        Raises:
            RunError: there is no such run or checkpoint, or it is damaged.
        """
        return self._models.classifier(self.path_of(run_id), checkpoint)

    def subject(self, run_id: str, checkpoint: str = "final") -> Subject:
        """A run opened for looking, with the same classifier, kept for the next time.

        Raises:
            RunError: there is no such run or checkpoint, or it is damaged.
        """
        return self._models.subject(self.path_of(run_id), checkpoint)


def _entries(name: str, listed: Listed) -> tuple[Entry, ...]:
    """Of a run itself; of a group its runs."""
    if not listed.members:
        return (Entry(id=name, run=Run(listed.path), listed=listed),)
    found: dict[str, Entry] = {}
    for member in listed.members:
        id = _free(found, shown(f"{name}{WITHIN}{member.path.name}"))
        found[id] = Entry(id=id, run=Run(member.path), listed=member, group=name)
    return tuple(found.values())


def name_of(path: Path) -> str:
    """Of a run's folder, also where it is the folder that one stands in."""
    return path.name or path.resolve().name


def _free(taken: Mapping[str, object], name: str) -> str:
    """Two names may look alike once they are fit to be shown."""
    while name in taken:
        name += WITHIN
    return name
