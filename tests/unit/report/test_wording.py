from dataclasses import replace
from pathlib import Path

import pytest

from convscope.evaluation.proportion import Proportion
from convscope.report.page.material import read_material
from convscope.report.wording import interval, number, opening, percent


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0123456, "0.01235"),
        (4.5, "4.5"),
        (1234567, "1,234,567"),
        (21000.4, "21,000"),
        (True, "yes"),
        (None, "–"),
        ("he", "he"),
    ],
)
def test_number_is_said_as_one_reads_it(value: object, said: str) -> None:
    assert number(value) == said


def test_per_cent_signs_never_stand_alone_on_a_line() -> None:
    assert percent(0.912) == "91.2\N{NO-BREAK SPACE}%"
    assert percent(float("nan")) == "–"
    assert interval(Proportion(57, 62)).endswith("\N{NO-BREAK SPACE}%")


def test_opening_says_the_accuracy_its_interval_and_what_it_beats(digits_run: Path) -> None:
    material = read_material(digits_run)
    judged = material.predictions["test"]
    said = opening(material)
    assert f"{judged.accuracy.correct} of 750 test images" in said.conclusion
    assert interval(judged.accuracy) in said.conclusion
    assert "most frequent class" in said.conclusion
    assert material.findings == []


def test_opening_says_when_guessing_is_as_good(useless_run: Path) -> None:
    said = [finding.sentence for finding in read_material(useless_run).findings]
    assert any("better than always answering" in conclusion for conclusion in said)


def test_opening_of_an_interrupted_run_gives_the_last_validation_and_how_to_go_on(
    interrupted_run: Path,
) -> None:
    said = opening(read_material(interrupted_run))
    assert "not finished" in said.conclusion
    assert "step 280" in said.conclusion
    assert f"--resume {interrupted_run}" in said.remarks[0]


def test_opening_of_a_regression_compares_with_the_median(regression_run: Path) -> None:
    said = opening(read_material(regression_run))
    assert said.conclusion.startswith("Off by 0.6")
    assert "the median" in said.conclusion


def test_opening_of_a_cross_validated_run_gives_the_mean_over_its_folds(digits_run: Path) -> None:
    folds = {"accuracy": {"values": [0.8, 0.9, 1.0, 0.9]}, "folds": 2, "repeats": 2}
    material = replace(read_material(digits_run), predictions={}, summary={"folds": folds})
    said = opening(material)
    assert "90.0 % (4 runs" in said.conclusion
    assert said.remarks == ("2-fold cross-validation, 2 times; this classifier is fitted on all images.",)
