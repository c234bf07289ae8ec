"""A whole diagnosis: what the rules say of what was measured, and what has to be tried to be known."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from convscope.diagnosis.diagnosing import diagnose_evidence
from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.of_run import findings_of_run
from convscope.diagnosis.rule import AbsentError, Diagnosis, Skipped
from convscope.diagnosis.rules.labels import doubtful_labels
from convscope.runs.folder import Run
from convscope.training.progress import Progress
from convscope.trials.growth.of_run import forecast_by_head, forecast_by_training
from convscope.trials.memorising import memorise


def ask(
    evidence: Evidence, *, memorised: bool = False, learning_curve: bool = False, progress: Progress
) -> Diagnosis:
    """All that is asked of a run.

    Args:
        evidence: of it.
        memorised: whether it should be tried to learn a few images by heart.
        learning_curve: whether parts of the images should be trained on, for a forecast of more of them.
        progress: who listens to those trainings.

    Raises:
        ConvscopeError: as training raises them.
    """
    found = diagnose_evidence(evidence)
    if memorised:
        found = found.joined_by(_or_skipped("memory", lambda: memorise(evidence)))
    run = evidence.run
    if run is None or not evidence.is_trained:
        return found

    def growth() -> Diagnosis:
        if learning_curve:
            return _of(forecast_by_training(run, progress).finding)
        return _of(forecast_by_head(run, evidence.dataset).finding)

    return found.joined_by(_or_skipped("growth", growth)).joined_by(_facts(evidence, run, found))


def _facts(evidence: Evidence, run: Run, found: Diagnosis) -> Diagnosis:
    """What the run's figures have to be read with: notes where no rule's test holds them, and chance may."""
    known = {finding.name for finding in found.findings}
    told = [each for each in findings_of_run(run.path) if each.name not in known]
    facts = [each if each.p == 0 else replace(each, severity="note") for each in told]
    if not known & {"labels-wrong", "labels-random"}:
        with suppress(AbsentError):
            facts += doubtful_labels(evidence.classified)
    return Diagnosis(findings=tuple(facts), passed=(), skipped=())


def _of(finding: Finding) -> Diagnosis:
    return Diagnosis(findings=(finding,), passed=(), skipped=())


def _or_skipped(name: str, asked: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return asked()
    except AbsentError as absent:
        return Diagnosis(findings=(), passed=(), skipped=(Skipped(name=name, reason=str(absent)),))
