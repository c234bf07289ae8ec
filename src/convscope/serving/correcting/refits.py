"""Heads that are fitted, one run after the other, in a thread: what it is at, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from convscope.errors import ConvscopeError
from convscope.runs.again import REFIT
from convscope.runs.folder import Run
from convscope.runs.marks import MARKED
from convscope.serving.workbench import Entry, Workbench
from convscope.wording import legible, shown
from convscope.work import watched_by

if TYPE_CHECKING:
    from convscope.work import Work

State = Literal["none", "running", "done", "failed"]
Task = Literal["refit", "judge"]
"""Fit the head again on corrected labels; or judge every image by heads that were not fitted on it."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a refit is.

    Attributes:
        state: `none` where none was asked for.
        said: what it does now, or why it failed.
        share: of that, how much is done; None where that is not known.
    """

    state: State = "none"
    said: str = ""
    share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"state": self.state, "said": self.said, "share": self.share}


class Refits:
    """Refits by the id of their parent. Threads may share it."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._standing: dict[str, Standing] = {}
        self._changing = threading.Lock()
        self._working = threading.Lock()
        """One at a time: each takes all cores."""

    def standing(self, run_id: str) -> Standing:
        """How far the last refit of a run is."""
        with self._changing:
            return self._standing.get(run_id, Standing())

    def start(self, entry: Entry, task: Task) -> bool:
        """Begin; False where one is under way already."""
        with self._changing:
            if self._standing.get(entry.id, Standing()).state == "running":
                return False
            self._standing[entry.id] = Standing(state="running", said="waiting")
        threading.Thread(target=self._work, args=(entry, task), daemon=True).start()
        return True

    def tell(self, run_id: str, standing: Standing) -> None:
        """From now on that is how far it is."""
        with self._changing:
            self._standing[run_id] = standing

    def _work(self, entry: Entry, task: Task) -> None:
        with self._working:
            try:
                self.tell(entry.id, Standing(state="running", said="getting ready"))
                with watched_by(_Watcher(self, entry.id)):
                    _do(task, entry.run)
            except ConvscopeError as error:
                self.tell(entry.id, Standing(state="failed", said=legible(str(error))))
            except Exception as error:  # whatever it is, the page must not wait for ever
                self.tell(
                    entry.id, Standing(state="failed", said=legible(f"{type(error).__name__}: {error}"))
                )
            else:
                self.tell(entry.id, Standing(state="done"))


def latest_refit(entry: Entry) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the last run that is this one's head fitted again, and what it says of that.

    Raises:
        RunError: what it says is damaged.
    """
    path = entry.run.path.resolve()
    for made in sorted(path.parent.glob(f"*/{REFIT}"), key=lambda found: -found.stat().st_mtime):
        values = Run(made.parent).read(REFIT)
        if isinstance(values, dict) and values.get("parent") == path.name:
            return made.parent, values
    return None


def _do(task: Task, run: Run) -> None:
    import torch

    from convscope.report.page.html import write_report
    from convscope.trials.out_of_sample import judge_all
    from convscope.trials.refit import refit

    threads = torch.get_num_threads()
    try:
        if task == "judge":
            judge_all(run)
        else:
            write_report(refit(run.path, run.path / MARKED).run)
    finally:
        torch.set_num_threads(threads)  # a run may ask for others than this server computes with


class _Watcher:
    """Tells how far the innermost piece of work is."""

    def __init__(self, refits: Refits, run_id: str) -> None:
        self._refits = refits
        self._run_id = run_id

    def on_work(self, work: Work) -> None:
        """It begins."""
        self.on_worked(work)

    def on_worked(self, work: Work) -> None:
        """More of it is done."""
        share = work.done / work.total if work.total else None
        self._refits.tell(self._run_id, Standing(state="running", said=shown(work.what), share=share))

    def on_work_end(self, work: Work) -> None:
        """It is over."""
        self._refits.tell(self._run_id, Standing(state="running", said="going on"))
