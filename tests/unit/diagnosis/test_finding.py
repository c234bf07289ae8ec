"""A finding says its conclusion, its evidence and what to do; as text and as JSON."""

import json

import pytest

from convscope.diagnosis.finding import Finding, gravest_first

COLLAPSED = Finding(
    name="one-answer",
    severity="error",
    sentence="it answers “5” to every image",
    evidence="750 of 750 test images",
    advice="Train again with a lower --learning-rate",
)


def test_a_finding_reads_as_conclusion_evidence_and_advice() -> None:
    assert str(COLLAPSED) == (
        "it answers “5” to every image: 750 of 750 test images. Train again with a lower --learning-rate"
    )
    assert str(Finding(name="a", severity="note", sentence="all is well")) == "all is well"


def test_json_holds_all_of_it() -> None:
    assert json.loads(json.dumps(COLLAPSED.to_dict()))["evidence"] == "750 of 750 test images"


def test_the_gravest_comes_first_and_equals_keep_their_order() -> None:
    names = [("a", "fine"), ("b", "warning"), ("c", "error"), ("d", "warning")]
    findings = [Finding(name=name, severity=severity, sentence=name) for name, severity in names]  # type: ignore[arg-type]
    assert [each.name for each in gravest_first(findings)] == ["c", "b", "d", "a"]
    assert [each.is_alarming for each in findings] == [False, True, True, True]


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="severity is one of error"):
        Finding(name="a", severity="bad", sentence="a")  # type: ignore[arg-type]
