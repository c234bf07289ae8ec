"""What a finished run's own figures have to be read with."""

from pathlib import Path

from convscope.diagnosis.answers import answers
from convscope.diagnosis.finding import Finding
from convscope.evaluation.predictions import has_predictions, read_held_out, read_predictions
from convscope.runs.folder import Run

SPLITS = ("test", "validation")


def findings_of_run(path: Path) -> list[Finding]:
    """The findings on the split that a run is judged by: test, or else validation; held out, with folds.

    Raises:
        RunError: when there is no run, or its predictions are damaged.
    """
    run = Run.open(path)
    if run.config.data.folds is not None:
        return answers(read_held_out(run))
    split = next((split for split in SPLITS if has_predictions(run, split)), None)
    return [] if split is None else answers(read_predictions(run, split))
