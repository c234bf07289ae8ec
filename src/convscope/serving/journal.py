"""What changed in the list of runs since a page was made, for pages that follow it."""

import secrets
import threading
import time
from dataclasses import dataclass

from convscope.serving.pages.rows import Line, lines_of
from convscope.serving.workbench import Workbench

FRESH = 0.5
"""Seconds for which a look at the folder counts as new, however many pages follow it."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Lines that are new or other, ids of those that are gone, and the version that this makes."""

    lines: tuple[Line, ...]
    gone: tuple[str, ...]
    version: str

    def __bool__(self) -> bool:
        return bool(self.lines or self.gone)


class Journal:
    """Numbers the states of the list, and tells what changed since one of them. Threads may share it."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._born = secrets.token_hex(4)  # versions of an earlier server mean nothing here
        self._number = 0
        self._lines: dict[str, tuple[int, Line]] = {}
        self._gone: dict[str, int] = {}
        self._looked = float("-inf")
        self._turn = threading.Lock()

    def lines(self) -> tuple[list[Line], str]:
        """All lines as they are now, the newest first, and the version of that."""
        with self._turn:
            self._look()
            return [line for _, line in self._lines.values()], self._version

    def changes(self, since: str) -> Changes:
        """What is other than in the version `since`; everything where that is not known."""
        with self._turn:
            self._look()
            known = self._number_of(since)
            lines = tuple(line for number, line in self._lines.values() if number > known)
            gone = tuple(id for id, number in self._gone.items() if number > known)
            return Changes(lines=lines, gone=gone, version=self._version)

    @property
    def _version(self) -> str:
        return f"{self._born}-{self._number}"

    def _number_of(self, version: str) -> int:
        born, _, number = version.partition("-")
        return int(number) if born == self._born and number.isdecimal() else -1

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < FRESH:
            return
        found = {line.id: line for line in lines_of(self._workbench)}
        self._looked = time.monotonic()
        changed = {id for id, line in found.items() if self._lines.get(id, (0, None))[1] != line}
        gone = self._lines.keys() - found.keys()
        if changed or gone:
            self._number += 1
        self._gone = {id: number for id, number in self._gone.items() if id not in found}
        self._gone |= dict.fromkeys(sorted(gone), self._number)
        self._lines = {
            id: (self._number if id in changed else self._lines[id][0], line) for id, line in found.items()
        }
