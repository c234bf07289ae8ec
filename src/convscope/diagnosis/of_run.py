"""What a finished run's own figures have to be read with."""

import math
from pathlib import Path

from convscope.diagnosis.answers import answers
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import RunError
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import has_predictions, read_predictions
from convscope.evaluation.proportion import Proportion
from convscope.runs.checkpoint_names import HEAD, LAST
from convscope.runs.folder import DATASET, DIAGNOSIS, Run
from convscope.wording import command, here, rounded

SPLITS = ("test", "validation")
_KNOWS_LESS = 2.0
"""Times the loss of a network that knows nothing: no sound training ends above it."""


def is_untrained(run: Run) -> bool:
    """Whether neither a step was taken nor a head fitted."""
    summary = run.summary() or {}
    return summary.get("steps") == 0 and summary.get("checkpoint") != "head"


def findings_of_run(path: Path) -> list[Finding]:
    """The findings on the split that a run is judged by: test, or else validation; held out, with folds.

    Raises:
        RunError: when there is no run, or its predictions are damaged.
    """
    run = Run.open(path)
    if is_untrained(run):
        said = "no step was taken: these are the answers of a network that knows nothing"
        advice = f"Train it: {command('train', '--resume', here(run.path), '--steps', '1000')}"
        return [Finding(name="untrained", severity="warning", sentence=said, advice=advice)]
    if run.config.data.folds is not None:
        return [*_thrown_away(run), *answers(read_held_out(run))]
    split = next((split for split in SPLITS if has_predictions(run, split)), None)
    return [*_thrown_away(run), *([] if split is None else answers(read_predictions(run, split)))]


def _thrown_away(run: Run) -> list[Finding]:
    """Whether fine-tuning left a network worse than one that knows nothing, and so was not kept."""
    summary = run.summary() or {}
    names = run.read(DATASET).get("class_names") if run.has(DATASET) else None
    measured = summary.get("measured") or {}
    head, last = measured.get(HEAD), measured.get(LAST)
    if not names or head is None or last is None or summary.get("checkpoint") == LAST:
        return []
    if last["loss"] <= _KNOWS_LESS * math.log(max(2, len(names))):
        return []
    return [
        Finding(
            name="rate-too-high",
            severity="warning",
            sentence="the steps destroyed what the network knew, and were not kept",
            evidence=f"validation loss {rounded(head['loss'])} with the fitted head, {rounded(last['loss'])} "
            f"after the last step; one that knows nothing has {rounded(math.log(len(names)))}",
            advice="A lower --learning-rate; left out, fine-tuning takes one that was measured on photos",
            p=0.0,
        )
    ]


def recorded_accuracy(run: Run, split: str) -> Proportion | None:
    """Right answers to a split by its last record, where that is of the weights that were kept: of a fitted
    head only where no step followed it.
    """
    records = [each for each in run.metrics() if each["split"] == split]
    summary = run.summary() or {}
    last = records[-1] if records else {}
    steps = summary.get("steps")
    is_of_kept = summary.get("checkpoint") == (LAST if steps else HEAD)
    is_kept = is_of_kept and last.get("step") == steps
    if not is_kept or last.get("accuracy") is None or not last.get("images"):
        return None
    return Proportion(round(last["accuracy"] * last["images"]), last["images"])


def keep_diagnosis(run: Run, found: Diagnosis) -> None:
    """Leave it in the run, where the report finds it.

    Raises:
        RunError: when the disk refuses.
    """
    run.write(DIAGNOSIS, found.to_dict())


def kept_diagnosis(run: Run) -> Diagnosis | None:
    """The diagnosis that was made last; None where there was none, or another version made it."""
    if not run.has(DIAGNOSIS):
        return None
    try:
        return Diagnosis.from_dict(run.read(DIAGNOSIS))
    except (KeyError, TypeError, ValueError, RunError):
        return None
