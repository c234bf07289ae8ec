"""Training from Python: a new run, or one that goes on."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from convscope.face.finished import FinishedRun
from convscope.face.live import listener_here, watched
from convscope.face.settings import experiment_for, fields_of
from convscope.training.progress import Progress
from convscope.training.start import resume_training, start_training


def train(
    data: str | PathLike[str],
    *,
    runs: str | PathLike[str] = "runs",
    name: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> FinishedRun:
    """Train a classifier; what is not said is chosen from the data, and kept in the run with its reasons.

    Args:
        data: a folder, an archive, a table, a name, or an experiment's .toml.
        runs: the folder in which the run is made.
        name: of the run; `<data>-<network>-<number>` unless given.
        progress: who listens; in a notebook what was chosen, a bar and each epoch, else nobody.
        settings: the command line's flags, with underscores: `epochs=5, network="vgg12", learning_rate=1e-3`.

    Raises:
        ConvscopeError: see `convscope.errors`.

    >>> import convscope as cs
    >>> run = cs.train("photos/", epochs=1, network="two-conv", threads=1)
    >>> run.path.name
    'photos-two-conv-1'
    >>> low, high = run.test.accuracy.interval
    >>> low <= run.test.accuracy.value <= high
    True
    """
    config = experiment_for(str(data), fields_of(settings))
    listener = listener_here() if progress is None else progress
    with watched(listener):
        return FinishedRun(start_training(config, runs=Path(runs), name=name, progress=listener).path)


def resume(
    run: str | PathLike[str],
    *,
    steps: int | None = None,
    epochs: int | None = None,
    progress: Progress | None = None,
) -> FinishedRun:
    """Go on with a run where its last checkpoint is, to its end or to a new one.

    Args:
        run: the run folder.
        steps, epochs: its new length; as it was unless given.
        progress: who listens, as in `train`.

    Raises:
        RunError: the folder is not a run, or its images have changed since.

    >>> import convscope as cs
    >>> cs.resume("runs/photos", steps=12).summary["steps"]
    12
    """
    asked = {"training.steps": steps, "training.epochs": epochs}
    changes = {field: value for field, value in asked.items() if value is not None}
    listener = listener_here() if progress is None else progress
    with watched(listener):
        return FinishedRun(resume_training(Path(run), changes=changes, progress=listener).path)
