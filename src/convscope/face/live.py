"""What a notebook shows while a training runs: what was chosen, a bar with the time left, and each epoch."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

from convscope.notebook import QUIET, box, labelled, line, said, table
from convscope.runs.records import Record
from convscope.training.progress import Choice, Progress, Silent
from convscope.wording import clock, percent, rounded
from convscope.work import Watching, Work, watched_by

SHOWN_EPOCHS = 12
BETWEEN = 0.25
"""Seconds between two drawings: more cannot be seen, and each one is sent and kept."""


class Handle(Protocol):
    """A place in a notebook whose contents can change: what IPython's `display` gives."""

    def update(self, shown: Any, /) -> None:
        """Show this there instead."""


def listener_here() -> Progress:
    """In a notebook one that shows what it hears; elsewhere one that says nothing."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):  # IPython in a terminal has no kernel
        return Silent()
    display = import_module("IPython.display").display
    return NotebookProgress(lambda shown: display(shown, display_id=True))


def watched(listener: Progress) -> AbstractContextManager[None]:
    """Within, a listener that shows work is told of all that is counted, and not of training alone."""
    return watched_by(listener) if isinstance(listener, NotebookProgress) else nullcontext()


class NotebookProgress(Watching):
    """Listens to a training and shows it in one place of a notebook; it needs no widgets.

    Args:
        show: puts something into the notebook, and returns the place where it stands.
    """

    def __init__(self, show: Callable[[Any], Handle]) -> None:
        self._choices: list[Choice] = []
        self._epochs: dict[float, dict[str, Record]] = {}
        self._run, self._step, self._total, self._seen = "", 0, 0, 0
        self._begun: tuple[float, int] | None = None
        self._batch: Record | None = None
        self._works: list[Work] = []
        self._drawn = time.monotonic()
        self._handle = show(self)

    def on_choice(self, choice: Choice) -> None:
        """A line of the table."""
        self._choices.append(choice)
        self._draw()

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Steps begin."""
        self._run, self._step, self._total, self._begun = run_path, step, total_steps, None
        self._epochs = {}
        self._draw()

    def on_total(self, total_steps: int) -> None:
        """The end moves."""
        self._total = total_steps

    def on_step(self, step: int, images: int) -> None:
        """The bar moves, a few times a second."""
        now = time.monotonic()
        if self._begun is None:  # the first step takes longer than the others
            self._begun = (now, step)
        self._step = step
        if now - self._drawn >= BETWEEN:
            self._draw()

    def on_record(self, record: Record) -> None:
        """What was measured of a whole split stands in the table of epochs."""
        if record["split"] == "batch":
            self._batch = record
            return
        self._epochs.setdefault(record["epoch"], {})[record["split"]] = record
        self._draw()

    def on_end(self) -> None:
        """No more steps."""
        self._step, self._total = 0, 0
        self._draw()

    def on_work(self, work: Work) -> None:
        """Something begins that may take seconds: decoding, the features of many images."""
        self._works.append(work)

    def on_worked(self, work: Work) -> None:
        """More of it is done."""
        if time.monotonic() - self._drawn >= BETWEEN:
            self._draw()

    def on_work_end(self, work: Work) -> None:
        """It is over, and so is its bar."""
        self._works = [each for each in self._works if each is not work]
        if not self._works:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._handle.update(self)

    def __repr__(self) -> str:
        return f"step {self._step:,} of {self._total:,}" if self._total else "training"

    def _repr_html_(self) -> str:
        chosen = [(each.what, each.value, each.reason) for each in self._choices]
        run = [("run", self._run)] if self._run else []
        return box(labelled([*chosen, *run]), self._epoch_table(), self._bar())

    def _bar(self) -> str:
        if not self._total:
            work = next((each for each in reversed(self._works) if each.total > 0), None)
            return "" if work is None else _progress(work.done, work.total, f"{work.what} …")
        batch = self._batch
        words = [f"step {self._step:,} of {self._total:,}"]
        if batch is not None and batch["step"]:
            epochs = math.ceil(self._total * batch["epoch"] / batch["step"] - 1e-6)
            words.append(f"epoch {batch['epoch']:.1f} of {epochs:,} · loss {rounded(batch['loss'])}")
        left = self._left()
        words += [] if left is None else [f"{clock(left)} left"]
        return _progress(self._step, self._total, " · ".join(words))

    def _left(self) -> float | None:
        """Seconds to the end, at the speed since the first step; None before the second."""
        if self._begun is None or self._step == self._begun[1]:
            return None
        begun, first = self._begun
        return (time.monotonic() - begun) / (self._step - first) * (self._total - self._step)

    def _epoch_table(self) -> str:
        if not self._epochs:
            return ""
        rows = []
        for epoch, records in self._epochs.items():
            seconds = max(record["seconds"] for record in records.values())
            scores = (_score(records.get(split)) for split in ("train", "validation"))
            rows.append((f"{epoch:.4g}", *scores, clock(seconds)))
        shown = rows[-SHOWN_EPOCHS:]
        earlier = len(rows) - len(shown)
        more = line(f"{earlier:,} epochs before these") if earlier else ""
        return more + table(("epoch", "train", "validation", "time"), shown)


def _progress(done: float, total: float, words: str) -> str:
    return (
        f'<progress value="{done:g}" max="{total:g}" style="width: 20em; vertical-align: middle"></progress>'
        f' <span style="{QUIET}">{said(words)}</span>'
    )


def _score(record: Record | None) -> str:
    """Its accuracy; its loss where it has none."""
    if record is None:
        return ""
    accuracy = record["accuracy"]
    return f"loss {rounded(record['loss'])}" if accuracy is None else percent(accuracy, 1)
