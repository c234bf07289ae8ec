"""Many rules, one run: chance is shared out among them, causes come first, silence has a reason."""

import numpy as np
import pytest

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import FALSE_ALARMS, AbsentError, Diagnosis, Rule, Verdict, diagnose, holm


class Measured:
    """Evidence with one field that is there and one that is not."""

    value = 3

    @property
    def gone(self) -> int:
        raise AbsentError("no step was taken yet")


def rule(name: str, *chances: float, severity: str = "warning", needs: tuple[str, ...] = ()) -> Rule:
    findings = tuple(
        Finding(name=f"{name}-{place}", severity=severity, sentence=name, p=p)  # type: ignore[arg-type]
        for place, p in enumerate(chances)
    )
    return Rule(name=name, source="", needs=needs, judge=lambda *_: Verdict(findings=findings, fine="well"))


def names(found: Diagnosis) -> list[str]:
    return [finding.name for finding in found.findings]


def test_a_finding_that_chance_explains_passes_and_says_what_was_looked_at() -> None:
    found = diagnose([rule("a", 0.01), rule("b", 1e-9)], Measured())
    assert names(found) == ["b-0"]
    assert [passed.name for passed in found.passed] == ["a"]
    assert found.findings[0].kind == "b"


def test_causes_stay_before_what_follows_and_notes_come_last() -> None:
    rules = [rule("n", 0.0, severity="note"), rule("w", 0.0), rule("e", 0.0, severity="error")]
    assert names(diagnose(rules, Measured())) == ["w-0", "e-0", "n-0"]


def test_a_rule_whose_needs_are_not_there_is_skipped_with_the_reason() -> None:
    found = diagnose([rule("a", 0.0, needs=("value", "gone"))], Measured())
    assert names(found) == []
    assert [(each.name, each.reason) for each in found.skipped] == [("a", "no step was taken yet")]


def test_a_rule_is_called_with_what_it_needs() -> None:
    seen = []
    asking = Rule(name="a", source="", needs=("value",), judge=lambda v: seen.append(v) or Verdict(fine=""))
    diagnose([asking], Measured())
    assert seen == [3]


def test_silent_rules_count_among_the_tests() -> None:
    """One p just below the level holds alone, and not where nine other rules were asked."""
    alone = [rule("a", 0.9 * FALSE_ALARMS)]
    others = [rule(f"s{number}") for number in range(9)]
    assert names(diagnose(alone, Measured())) == ["a-0"]
    assert names(diagnose([*alone, *others], Measured())) == []


def test_what_two_rules_find_is_said_once_and_neither_of_them_passed() -> None:
    finding = Finding(name="same", severity="error", sentence="s", p=0.0)
    twice = [
        Rule(name=name, source="", needs=(), judge=lambda: Verdict(findings=(finding,), fine=""))
        for name in ("a", "b")
    ]
    found = diagnose(twice, Measured())
    assert [(each.name, each.kind) for each in found.findings] == [("same", "a")]
    assert found.passed == ()


def test_holm_lets_through_in_steps() -> None:
    assert holm([0.04, 0.01, 0.03], 0.05) == [False, True, False]
    assert holm([0.024, 0.01, 0.04], 0.05) == [True, True, True]
    assert holm([], 0.05) == []


def test_sound_runs_raise_few_findings_together() -> None:
    """Twelve rules with uniform p, four thousand sound runs: as many false alarms as were agreed, at most."""
    random = np.random.default_rng(0)
    runs = random.random((20_000, 12))
    alarms = sum(any(holm(run, FALSE_ALARMS)) for run in runs.tolist())
    assert 0 < alarms < 1.3 * FALSE_ALARMS * len(runs)


def test_a_diagnosis_comes_back_from_json() -> None:
    found = diagnose([rule("a", 0.0), rule("b"), rule("c", needs=("gone",))], Measured())
    assert Diagnosis.from_dict(found.to_dict()) == found


@pytest.mark.parametrize("name", ["signal", "limits"])
def test_every_rule_names_its_source_and_needs_fields_that_exist(name: str) -> None:
    from convscope.diagnosis.diagnosing import RULES
    from convscope.diagnosis.evidence import Evidence

    known = set(dir(Evidence)) | set(Evidence.__dataclass_fields__)
    assert name in [each.name for each in RULES]
    assert [
        each.name
        for each in RULES
        if not each.source or not {need.partition(".")[0] for need in each.needs} <= known
    ] == []
    assert len({each.name for each in RULES}) == len(RULES)
