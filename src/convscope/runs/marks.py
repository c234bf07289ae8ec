"""Labels of a run's images that somebody marked as wrong: `marked.csv`, for the next training.

The file is a whole table of corrections, the run's own among them: `train --corrections` takes it as it is.
What was marked is what it says beyond the run's own.
"""

import threading
from collections.abc import Sequence

from convscope.data.corrections import Correction, beyond, followed_by, read_corrections, write_corrections
from convscope.runs.folder import CORRECTIONS, Run

MARKED = "marked.csv"
_turn = threading.Lock()
"""Held from reading the file to writing it: two clicks at once both count."""


def next_corrections(run: Run) -> tuple[Correction, ...]:
    """What the next training is to be given: the run's own corrections, and what was marked since.

    Raises:
        DataError: the file was damaged.
    """
    return read_corrections(run.path / MARKED) if run.has(MARKED) else _own(run)


def marks_of(run: Run) -> tuple[Correction, ...]:
    """What was marked, from the label that the run has to the one it should have; the latest last."""
    return beyond(_own(run), next_corrections(run))


def mark(run: Run, wrong: Correction) -> None:
    """Mark a label as wrong, or as wrong in another way than before.

    Args:
        run: whose image it is.
        wrong: the image by its content and path; its label in this run; and the right one, None to leave it
            out. Where both are the same, the mark is taken away.

    Raises:
        RunError: the disk refuses.
    """
    with _turn:
        before = _without(next_corrections(run), _own(run), wrong.content)
        _keep(run, before if wrong.old == wrong.new else followed_by(before, (wrong,)))


def unmark(run: Run, content: str) -> None:
    """Take a mark away; nothing happens where there is none.

    Raises:
        RunError: the disk refuses.
    """
    with _turn:
        _keep(run, _without(next_corrections(run), _own(run), content))


def _own(run: Run) -> tuple[Correction, ...]:
    return read_corrections(run.path / CORRECTIONS) if run.has(CORRECTIONS) else ()


def _without(
    following: Sequence[Correction], own: Sequence[Correction], content: str
) -> tuple[Correction, ...]:
    """The table as if this image had not been marked."""
    kept = [each for each in following if each.content != content]
    return (*(each for each in own if each.content == content), *kept)


def _keep(run: Run, corrections: Sequence[Correction]) -> None:
    if corrections:
        run.write_bytes(MARKED, write_corrections(corrections))
    else:
        (run.path / MARKED).unlink(missing_ok=True)
