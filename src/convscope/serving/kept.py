"""What took long to make, kept for the next time: the things used last, and no more than so many."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Kept(Generic[Thing]):
    """Things by key. Threads may share it; one thing is made at a time, for each takes a core."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """The thing of that key, made if it is not here; what `make` raises goes on."""
        with self._turn:
            if key not in self._things:
                self._things[key] = make()
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
            return self._things[key]


def stamp(folder: Path, *parts: str) -> tuple[int, ...]:
    """Of files and folders in a run, when each was changed; 0 for those that are not there.

    A run's files are replaced, never written over, so that their folder's time tells of them, too.
    """
    return tuple(_time_of(folder / part) for part in parts)


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
