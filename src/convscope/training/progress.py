"""What training tells whoever watches. It never prints; the command line listens and does."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from convscope.runs.records import Record
from convscope.work import Work, working


@dataclass(frozen=True)
class Choice:
    """Something convscope decided, and why."""

    what: str
    value: str
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"what": self.what, "value": self.value, "reason": self.reason}


class Progress(Protocol):
    """Listens to one training."""

    def on_choice(self, choice: Choice) -> None:
        """Something was decided, or found in the data."""

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Steps begin, or go on from `step`."""

    def on_total(self, total_steps: int) -> None:
        """A time budget holds another number of steps than was thought."""

    def on_step(self, step: int, images: int) -> None:
        """`step` updates are done; the last saw `images` images."""

    def on_record(self, record: Record) -> None:
        """A record was written."""

    def on_end(self) -> None:
        """No more steps, for whatever reason."""


class Silent:
    """Listens, and says nothing."""

    def on_choice(self, choice: Choice) -> None:
        """Nothing."""

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Nothing."""

    def on_total(self, total_steps: int) -> None:
        """Nothing."""

    def on_step(self, step: int, images: int) -> None:
        """Nothing."""

    def on_record(self, record: Record) -> None:
        """Nothing."""

    def on_end(self) -> None:
        """Nothing."""


class AsWork(Silent):
    """Lets the steps of a training be a part of other work: a bar, and no word."""

    def __init__(self) -> None:
        self._steps = ExitStack()
        self._work: Work | None = None

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """A part begins."""
        if total_steps > step:
            self._work = self._steps.enter_context(working("step", total_steps - step))

    def on_step(self, step: int, images: int) -> None:
        """More of it is done."""
        if self._work is not None:
            self._work.advance()

    def on_end(self) -> None:
        """It is over."""
        self._work = None
        self._steps.close()
