"""Signals that ask a training to stop: it saves what there is to save, and says how to go on.

Ctrl-C, SIGTERM (a polite kill), SIGHUP (the terminal was closed) and SIGUSR1 (a cluster's warning before
the end) all mean the same. While steps are taken, the first only asks, and the step at hand is finished;
before and after that there is nothing half-done to wait for. A second one stops at once.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from convscope.errors import InterruptedTrainingError

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))  # Windows has two of them

Handler = Callable[[int, FrameType | None], None]


class Interruption:
    """While it is entered, the first signal only sets `requested`."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def awaited(self) -> Iterator["Interruption"]:
        """Take signals in this block."""
        with _handled_by(self._note):
            yield self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stopped_by_signals(advice: Callable[[], str]) -> Iterator[None]:
    """Signals end this block at once, with an error that says what is saved and how to go on.

    Args:
        advice: the second half of "stopped: …", at the moment of the signal.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise InterruptedTrainingError(f"stopped: {advice()}")

    with _handled_by(stop):
        yield


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    """Signals keep their meaning outside the main thread, and where they were ignored before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, before in previous.items() if before is not signal.SIG_IGN]
    try:
        for number in taken:
            signal.signal(number, handler)
        yield
    finally:
        for number in taken:
            signal.signal(number, previous[number])
