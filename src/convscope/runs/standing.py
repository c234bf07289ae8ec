"""How a run stands: being trained, done, stopped on its way, or diverged. Read from its folder alone."""

from typing import Any, Literal

from convscope.errors import RunError
from convscope.runs.folder import SUMMARY, Run
from convscope.runs.lock import is_held

Standing = Literal["training", "done", "stopped", "diverged", "damaged"]

DIVERGED = "diverged.json"
"""Left by a training whose numbers were no longer finite: what it said."""


def standing_of(run: Run, summary: dict[str, Any] | None = None) -> Standing:
    """How it stands now. A killed training is stopped: its lock ended with it.

    `summary` is what its summary.json holds, where that was read already.
    """
    if is_held(run.path):
        return "training"
    if run.has(SUMMARY):
        return "done" if (_is_whole(summary) if summary else is_whole(run)) else "damaged"
    return "diverged" if run.has(DIVERGED) else "stopped"


def is_whole(run: Run) -> bool:
    """Whether its final figures can be read."""
    try:
        summary = run.summary()
    except RunError:
        return False
    return summary is not None and _is_whole(summary)


def _is_whole(summary: dict[str, Any]) -> bool:
    return {"network", "steps"} <= summary.keys()


def note_divergence(run: Run, said: str) -> None:
    """Keep why a training ended, for whoever looks at the run later.

    Raises:
        RunError: when the disk refuses.
    """
    run.write(DIVERGED, {"said": said})


def forget_divergence(run: Run) -> None:
    """The training goes on, perhaps with another learning rate."""
    (run.path / DIVERGED).unlink(missing_ok=True)


def divergence(run: Run) -> str:
    """Why it diverged; empty where it did not, or does not say."""
    try:
        found: Any = run.read(DIVERGED) if run.has(DIVERGED) else None
    except RunError:
        return ""
    return str(found.get("said", "")) if isinstance(found, dict) else ""
