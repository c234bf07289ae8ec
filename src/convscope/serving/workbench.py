"""The workbench: a folder of runs, each with an id, and the models that were opened of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from convscope.errors import RunError
from convscope.runs.folder import CONFIG, Run
from convscope.runs.listing import list_groups, list_runs, seed_runs
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
        group: of a run of a group (seeds, for one), the group's name.
    """

    id: str
    run: Run
    group: str | None = None

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/runs/{quote(self.id, safe='')}"


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
        self.closing = threading.Event()
        """Set when the server is asked to stop: whoever streams ends."""
        self._models = Models(memory, threads)

    def entries(self) -> list[Entry]:
        """All runs, oldest first, and those of groups after them."""
        if (self.folder / CONFIG).is_file():
            return [Entry(id=shown(self.folder.resolve().name), run=Run(self.folder))]
        entries: dict[str, Entry] = {}
        for run in list_runs(self.folder):
            _add(entries, shown(run.name), run)
        for group in list_groups(self.folder):
            for path in seed_runs(group):
                _add(entries, shown(f"{group.name}{WITHIN}{path.name}"), Run(path), shown(group.name))
        return list(entries.values())

    def find(self, run_id: str) -> Entry:
        """The run that has this id.

        Raises:
            UnknownRunError: there is none.
        """
        for entry in self.entries():
            if entry.id == run_id:
                return entry
        raise UnknownRunError(f"{here(self.folder)} has no run '{shown(run_id)}'")

    def classifier(self, run_id: str, checkpoint: str = "final") -> Classifier:
        """The classifier of a run, kept for the next time. Takes a while: not for the event loop.

        Raises:
            RunError: there is no such run or checkpoint, or it is damaged.
        """
        return self._models.classifier(self.find(run_id).run.path, checkpoint)

    def subject(self, run_id: str, checkpoint: str = "final") -> Subject:
        """A run opened for looking, with the same classifier, kept for the next time.

        Raises:
            RunError: there is no such run or checkpoint, or it is damaged.
        """
        return self._models.subject(self.find(run_id).run.path, checkpoint)


def _add(entries: dict[str, Entry], name: str, run: Run, group: str | None = None) -> None:
    while name in entries:  # two names may look alike once they are fit to be shown
        name += WITHIN
    entries[name] = Entry(id=name, run=run, group=group)
