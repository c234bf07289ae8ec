"""A rule: what it needs, whose it is, and what it says; and a diagnosis, which puts many rules to one run.

Each rule is a test: its findings hold how often a sound run shows as much by chance. All tests of a run
together raise a false finding in fewer than one sound run of a hundred: Holm, "A simple sequentially
rejective multiple test procedure" (1979).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from convscope.diagnosis.finding import Finding
from convscope.wording import some

FALSE_ALARMS = 0.003
"""Of all rules of a run together: three sound runs in a thousand raise a warning or an error, at most."""


class AbsentError(Exception):
    """What a rule needs cannot be had; the text says why. It never leaves a diagnosis."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a rule says of a run.

    Attributes:
        findings: those that the evidence speaks for, each with its `p`: corrected for all that the rule
            looked at, but not for the other rules.
        fine: what stands in the list of what passed, where no finding does: what was looked at, and how
            it was.
    """

    findings: tuple[Finding, ...] = ()
    fine: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One question that a diagnosis asks.

    Attributes:
        name: its findings' `kind`.
        source: where the method or the threshold comes from.
        needs: the fields of `Evidence` that `judge` is called with, in order: `start`, `config.network`.
        judge: a function of measured values. It may raise `AbsentError` where they are too few.
    """

    name: str
    source: str
    needs: tuple[str, ...]
    judge: Callable[..., Verdict]


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A rule that found nothing, with what it looked at."""

    name: str
    said: str

    def to_dict(self) -> dict[str, str]:
        """As JSON holds it."""
        return {"name": self.name, "said": self.said}


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A rule that could not be asked, and why."""

    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """As JSON holds it."""
        return {"name": self.name, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What all rules say of one run.

    Attributes:
        findings: errors and warnings first; among them causes before what follows from them.
    """

    findings: tuple[Finding, ...]
    passed: tuple[Passed, ...]
    skipped: tuple[Skipped, ...]

    @property
    def nothing_found(self) -> str:
        """What is said where there is no finding: how many questions that is the answer to."""
        asked, all_questions = len(self.passed), len(self.passed) + len(self.skipped)
        if asked == all_questions:
            return "nothing was found"
        return f"nothing was found by {asked} of {some(all_questions, 'question')}; the others were not asked"

    def joined_by(self, other: "Diagnosis") -> "Diagnosis":
        """With what was asked in another way, whose findings stand behind those of their severity."""
        findings = (*self.findings, *other.findings)
        return Diagnosis(
            findings=tuple(sorted(findings, key=lambda finding: not finding.is_alarming)),
            passed=(*self.passed, *other.passed),
            skipped=(*self.skipped, *other.skipped),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "findings": [each.to_dict() for each in self.findings],
            "passed": [each.to_dict() for each in self.passed],
            "skipped": [each.to_dict() for each in self.skipped],
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Diagnosis":
        """The inverse of `to_dict`."""
        return Diagnosis(
            findings=tuple(Finding.from_dict(each) for each in values["findings"]),
            passed=tuple(Passed(**each) for each in values["passed"]),
            skipped=tuple(Skipped(**each) for each in values["skipped"]),
        )


def diagnose(rules: Sequence[Rule], evidence: object) -> Diagnosis:
    """Put all rules to the evidence, in the order in which causes come before what follows from them.

    Args:
        rules: causes first.
        evidence: an object with a field for each need of a rule; reading one may raise `AbsentError`.
    """
    asked: list[tuple[Rule, Verdict]] = []
    skipped = []
    for rule in rules:
        try:
            asked.append((rule, rule.judge(*(attrgetter(need)(evidence) for need in rule.needs))))
        except AbsentError as absent:
            skipped.append(Skipped(name=rule.name, reason=str(absent)))
    tested = [(rule, finding) for rule, verdict in asked for finding in verdict.findings]
    silent = sum(not verdict.findings for _, verdict in asked)
    holds = holm([finding.p or 0.0 for _, finding in tested] + [1.0] * silent, FALSE_ALARMS)
    kept = [
        replace(finding, kind=rule.name)
        for (rule, finding), is_kept in zip(tested, holds[: len(tested)], strict=True)
        if is_kept
    ]
    kinds = {finding.kind for finding in kept}
    once = {finding.name: finding for finding in reversed(kept)}  # two rules may come to one conclusion
    kept = [finding for finding in kept if once[finding.name] is finding]
    return Diagnosis(
        findings=tuple(sorted(kept, key=lambda finding: not finding.is_alarming)),
        passed=tuple(
            Passed(name=rule.name, said=verdict.fine) for rule, verdict in asked if rule.name not in kinds
        ),
        skipped=tuple(skipped),
    )


def holm(chances: Sequence[float], level: float) -> list[bool]:
    """Which of some p-values hold together, so that one of them is a false alarm with at most `level`."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    holds = [False] * len(chances)
    for rank, place in enumerate(order):
        if chances[place] > level / (len(chances) - rank):
            break
        holds[place] = True
    return holds
