"""From a run to the evidence that its diagnosis is put to."""

from pathlib import Path

from convscope.classifier.classifier import Classifier
from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.of_run import is_untrained
from convscope.evaluation.evaluating import load_own_data
from convscope.runs.checkpoints import newest_step
from convscope.runs.folder import Run


def evidence_of_run(path: Path) -> Evidence:
    """What there is of a run: of one that kept no checkpoint, how it started.

    Raises:
        RunError: when there is no run, or what it kept cannot be read.
    """
    run = Run.open(path)
    if run.summary() is None and newest_step(run.checkpoint_folder) is None:
        return _evidence(run, Classifier.untrained(run), is_trained=False)
    return _evidence(run, Classifier.load(run.path), is_trained=not is_untrained(run))


def evidence_of_start(path: Path) -> Evidence:
    """A run's network as it was before its first step.

    Raises:
        RunError: when there is no run, or it holds not even a description of its classifier.
    """
    run = Run.open(path)
    return _evidence(run, Classifier.untrained(run), is_trained=False)


def _evidence(run: Run, classifier: Classifier, is_trained: bool) -> Evidence:
    return Evidence(
        config=run.config,
        classifier=classifier,
        is_trained=is_trained,
        load=lambda: load_own_data(run.path, classifier),
        run=run,
    )
