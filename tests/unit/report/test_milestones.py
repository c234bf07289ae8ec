"""What was measured when, and which of it was kept, in a report."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from convscope.report.page.learning import Milestone, curves, kept_words, milestones
from convscope.report.page.material import read_material


def row(step: int, split: str, accuracy: float) -> dict[str, Any]:
    return {"step": step, "split": split, "loss": 1 - accuracy, "accuracy": accuracy}


def found(run: Path, metrics: list[dict[str, Any]], summary: dict[str, Any]) -> list[Milestone]:
    return milestones(replace(read_material(run), metrics=metrics, summary=summary))


FINE_TUNED = [
    row(0, "train", 0.5),
    row(0, "validation", 0.46),
    row(0, "train", 1.0),
    row(0, "validation", 0.9),
    row(10, "validation", 0.87),
    row(20, "train", 1.0),
    row(20, "validation", 0.86),
]


def test_before_training_is_not_the_fitted_head_and_what_is_kept_is_marked(digits_run: Path) -> None:
    kept = {"checkpoint": "head", "why": "fine-tuning did not better it"}
    rows = found(digits_run, FINE_TUNED, {"best_step": 10, "kept": kept})
    assert [each.name for each in rows] == ["before training", "head fitted", "best", "last"]
    assert [each.is_kept for each in rows] == [False, True, False, False]
    assert rows[0].validation.startswith("46.0")
    assert rows[1].validation.startswith("90.0")
    assert rows[1].train.startswith("100")
    material = replace(read_material(digits_run), summary={"kept": kept, "steps": 20})
    assert kept_words(material).startswith("Kept: head, fitted before the steps, which did not help (")


def test_a_last_step_that_is_the_best_has_both_names(digits_run: Path) -> None:
    metrics = [row(0, "validation", 0.1), row(5, "validation", 0.8)]
    rows = found(
        digits_run, metrics, {"best_step": 5, "kept": {"checkpoint": "last", "why": "the last step"}}
    )
    assert [(each.name, each.is_kept) for each in rows] == [
        ("before training", False),
        ("last, and best", True),
    ]


def test_a_run_without_validation_shows_what_was_measured_in_training(digits_run: Path) -> None:
    rows = found(digits_run, [row(0, "train", 0.5), row(0, "train", 0.98)], {})
    assert [(each.name, each.validation) for each in rows] == [("before training", "–"), ("head fitted", "–")]
    assert found(digits_run, [], {}) == []
    assert kept_words(replace(read_material(digits_run), summary={})) == ""


def test_one_moment_makes_no_curve(digits_run: Path) -> None:
    """Of a frozen network the head alone is fitted, at step 0."""
    frozen = replace(read_material(digits_run), metrics=FINE_TUNED[:4])
    assert curves(frozen) == []
    assert len(curves(read_material(digits_run))) == 3
