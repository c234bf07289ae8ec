"""`train --guard`: a network that cannot learn as it starts is stopped before its first step."""

from collections.abc import Sequence
from pathlib import Path

from convscope.config.asked import ExperimentConfig
from convscope.diagnosis.diagnosing import NETWORK
from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.opening import evidence_of_start
from convscope.diagnosis.rule import diagnose
from convscope.errors import DivergedError
from convscope.runs.records import Record
from convscope.training.progress import Choice, Progress
from convscope.trials.untrained import evidence_of_experiment


class Guarded:
    """Listens for someone else, and asks the network how it starts before the first step."""

    def __init__(self, listener: Progress) -> None:
        self._listener = listener

    def on_choice(self, choice: Choice) -> None:
        """Handed on."""
        self._listener.on_choice(choice)

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Handed on, once the start was found sound; a run that goes on has taken its first step.

        Raises:
            DivergedError: with the finding.
        """
        if step == 0 and total_steps:
            refuse_bad_start(evidence_of_start(Path(run_path)))
            self._listener.on_choice(
                Choice("guard", "the start is sound", "values and gradients keep their size")
            )
        self._listener.on_start(run_path, step, total_steps)

    def on_total(self, total_steps: int) -> None:
        """Handed on."""
        self._listener.on_total(total_steps)

    def on_step(self, step: int, images: int) -> None:
        """Handed on."""
        self._listener.on_step(step, images)

    def on_record(self, record: Record) -> None:
        """Handed on."""
        self._listener.on_record(record)

    def on_end(self) -> None:
        """Handed on."""
        self._listener.on_end()


def guard_before(config: ExperimentConfig) -> None:
    """Ask before anything is made, where a run's first steps are taken out of sight: in folds.

    Raises:
        DivergedError: with the finding.
        UsageError, DataError: as training would.
    """
    refuse_bad_start(evidence_of_experiment(config))


def refuse_bad_start(evidence: Evidence) -> None:
    """Put the rules about the start to a network.

    Raises:
        DivergedError: it cannot learn as it starts; the text is the finding.
    """
    grave = [each for each in diagnose(NETWORK, evidence).findings if each.severity == "error"]
    if grave:
        raise DivergedError(_said(grave))


def _said(grave: Sequence[Finding]) -> str:
    first, *others = grave
    more = f"; and {', '.join(each.sentence for each in others)}" if others else ""
    return (
        f"stopped before the first step: {first.said}{more}.\n"
        f"{first.advice}. To train all the same: leave --guard out"
    )
