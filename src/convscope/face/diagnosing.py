"""What is wrong with a run, the evidence, and what to do: a diagnosis as a value."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import UsageError
from convscope.notebook import aligned, box, labelled, title


@dataclass(frozen=True, repr=False)
class Diagnosed:
    """What all rules say of one run; shows itself in a notebook.

    Attributes:
        of: the run or the experiment's .toml.
        diagnosis: findings, what passed, and what could not be asked.
    """

    of: Path
    diagnosis: Diagnosis

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Errors and warnings first; among them causes before what follows from them."""
        return self.diagnosis.findings

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self.diagnosis.to_dict()

    def __repr__(self) -> str:
        found = ", ".join(f"{finding.severity}: {finding.name}" for finding in self.findings) or "fine"
        return f"Diagnosed({self.of.name}, {found})"

    def __str__(self) -> str:
        return aligned(self._lines())

    def _repr_html_(self) -> str:
        return box(title("diagnosis", self.of.name), labelled(self._lines()))

    def _lines(self) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = [(each.severity, each.said, each.advice) for each in self.findings]
        passed = [("passed", each.name, each.said) for each in self.diagnosis.passed]
        skipped = [("skipped", each.name, each.reason) for each in self.diagnosis.skipped]
        return [*(found or [("fine", self.diagnosis.nothing_found)]), *passed, *skipped]


def diagnose(
    run: str | PathLike[str],
    *,
    untrained: bool = False,
    memorise: bool = False,
    learning_curve: bool = False,
) -> Diagnosed:
    """Say what is wrong with a run, the evidence, and what to do; and what was looked at and found fine.

    Args:
        run: a run, or an experiment's .toml, of which the network before its first step is looked at.
        untrained: of a run too, look at the start.
        memorise: train on 32 images, to see whether the network can learn them by heart.
        learning_curve: train on parts of the images, to forecast what more of them would bring.

    Raises:
        RunError, UsageError: it is neither a run nor an experiment.

    >>> import convscope as cs
    >>> diagnosed = cs.diagnose("runs/photos", untrained=True)
    >>> [finding.name for finding in diagnosed.findings if finding.severity == "error"]
    []
    """
    from convscope.training.progress import Silent
    from convscope.trials.asking import ask

    path = Path(run)
    evidence = evidence_for(path, untrained)
    return Diagnosed(
        path, ask(evidence, memorised=memorise, learning_curve=learning_curve, progress=Silent())
    )


def evidence_for(run: Path, untrained: bool) -> Evidence:
    """What the rules are put to: of a run, of its start, or of an experiment's start."""
    if run.suffix == ".toml":
        from convscope.config.experiment_file import read_experiment
        from convscope.trials.untrained import evidence_of_experiment

        return evidence_of_experiment(read_experiment(run))
    from convscope.diagnosis.opening import evidence_of_run, evidence_of_start

    if run.is_file():
        raise UsageError(f"{run} is neither a run nor an experiment's .toml")
    return evidence_of_start(run) if untrained else evidence_of_run(run)
