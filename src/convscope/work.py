"""How far a piece of work is: whoever does it counts, and whoever watches is told. One place, for every room.

What takes seconds lies deep: decoding, features of a frozen backbone, logits of many images. Counting there
needs no listener in every signature above it: a command watches what it calls (`watched_by`), and where
nobody watches, as in a library, nobody is told. Each thread has its own watcher.
"""

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

Thing = TypeVar("Thing")


class Watching(Protocol):
    """Listens to work. Pieces lie in each other: what begins last ends first."""

    def on_work(self, work: "Work") -> None:
        """It begins."""

    def on_worked(self, work: "Work") -> None:
        """More of it is done."""

    def on_work_end(self, work: "Work") -> None:
        """It is over, whether all is done or not."""


@dataclass(eq=False)
class Work:
    """A piece of work as it goes on.

    Attributes:
        what: in words: `features of 3,500 images`; of things that are counted, one of them: `fold`.
        total: how much there is, and
        done: how much of it is done, in the same unit.
        at_hand: how much of it the thing that is being done is.
        is_counted: whether it is said which of the things is at hand: `fold 2/5`.
        is_foretold: whether `total` is the seconds that it was foretold to take.
        watcher: who is told.
    """

    what: str
    total: float
    done: float = 0.0
    at_hand: float = 1.0
    is_counted: bool = True
    is_foretold: bool = False
    watcher: Watching | None = None

    def advance(self, amount: float = 1.0) -> None:
        """So much more of it is done."""
        self.done = min(self.total, self.done + amount)
        if self.watcher is not None:
            self.watcher.on_worked(self)


_watcher: ContextVar[Watching | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watching) -> Iterator[None]:
    """Within, `watcher` is told of all work that is counted."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def working(what: str, total: float, *, is_counted: bool = True, is_foretold: bool = False) -> Iterator[Work]:
    """A piece of work, which whoever does it in this block moves on with `advance`."""
    watcher = _watcher.get() if total else None
    work = Work(what, total, is_counted=is_counted, is_foretold=is_foretold, watcher=watcher)
    if work.watcher is None:
        yield work
        return
    work.watcher.on_work(work)
    try:
        yield work
    finally:
        work.watcher.on_work_end(work)


def counted(
    things: Iterable[Thing],
    what: str,
    *,
    total: int | None = None,
    weights: Sequence[float] | None = None,
    is_foretold: bool = False,
) -> Iterator[Thing]:
    """The things one after the other, while whoever watches learns how many are done.

    Args:
        things: each is done when the next one is asked for.
        what: see `Work`.
        total: how many there are, where `things` does not know; else nothing is counted.
        weights: how much of the work each of them is; all alike unless given.
        is_foretold: whether the weights are seconds, as they were foretold.
    """
    if total is None and isinstance(things, Sized):
        total = len(things)
    size = float(total or 0) if weights is None else sum(weights)
    with working(what, size, is_counted=weights is None, is_foretold=is_foretold) as work:
        for number, thing in enumerate(things):
            work.at_hand = 1.0 if weights is None else weights[number]
            yield thing
            work.advance(work.at_hand)
