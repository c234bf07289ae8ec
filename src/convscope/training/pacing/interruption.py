"""Signals to stop: Ctrl-C, SIGTERM, SIGHUP (the terminal was closed), SIGUSR1 (a cluster's time is up).

While steps are taken (`Interruption`) the first one stops after the step at hand, and a second one at once.
Everywhere else (`stopped_by_signals`) the first one does: there is no step to finish.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from convscope.errors import InterruptedTrainingError

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
_Handler = Callable[[int, FrameType | None], None]


class Interruption:
    """While it is entered, the first signal only sets `requested`."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        self._previous = _handle_with(self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore(self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stopped_by_signals(what_is_saved: Callable[[], str]) -> Iterator[None]:
    """Within, any signal to stop ends the block; however many come, one error says what is saved.

    Raises:
        InterruptedTrainingError: with what `what_is_saved` then says.
    """
    previous = _handle_with(_stop)
    try:
        yield
    except KeyboardInterrupt:
        _handle_with(_is_stopping)
        raise InterruptedTrainingError(what_is_saved()) from None
    finally:
        _restore(previous)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _is_stopping(number: int, frame: FrameType | None) -> None:
    """One more signal changes nothing."""


def _handle_with(handler: _Handler) -> dict[int, object]:
    """Take the signals; returns who had them.

    A hangup that is ignored stays so, for that is what `nohup` is for. The others are taken all the same: a
    shell lets what it starts in the background ignore SIGINT, and whoever sends one there means it.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before.get(getattr(signal, "SIGHUP", None)) == signal.SIG_IGN:
        del before[signal.SIGHUP]
    return {number: signal.signal(number, handler) for number, who in before.items() if who is not None}


def _restore(previous: dict[int, object]) -> None:
    for number, handler in previous.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
