"""Rules on answers: a collapse is noticed, and luck, balance and small numbers are not taken for one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from convscope.diagnosis.answers import answers, confidence
from convscope.diagnosis.finding import Finding
from convscope.evaluation.predictions import Predictions


def judged(true: Sequence[int], given: Sequence[int], classes: int = 3, folds: int = 0) -> Predictions:
    logits = np.full((len(true), classes), -2.0, dtype=np.float32)
    logits[np.arange(len(true)), list(given)] = 2.0
    return Predictions(
        split="test",
        logits=logits,
        labels=np.array(true, dtype=np.int64),
        ids=tuple(f"{row}.png" for row in range(len(true))),
        class_names=tuple("abcdefghij"[:classes]),
        folds=folds,
    )


def numbers(true: Sequence[float], given: Sequence[float]) -> Predictions:
    return Predictions(
        split="test",
        logits=np.array(given, dtype=np.float32)[:, None],
        labels=np.array(true, dtype=np.float32),
        ids=tuple(f"{row}.png" for row in range(len(true))),
        training_range=(0.0, 10.0),
    )


def named(findings: Sequence[Finding]) -> list[str]:
    return [finding.name for finding in findings]


BALANCED = [index % 10 for index in range(750)]


def test_the_same_answer_to_all_images_is_an_error_that_stands_first() -> None:
    found = answers(judged(BALANCED, [5] * 750, classes=10))
    assert named(found) == ["one-answer"]
    assert found[0].severity == "error"
    assert found[0].sentence == "always the same class, “f”, for all 750 test images"
    assert "75 of them are of it" in found[0].evidence
    assert "--learning-rate" in found[0].advice


@pytest.mark.parametrize("others", [1, 7, 70])
def test_nearly_the_same_answer_is_noticed_too(others: int) -> None:
    given = [3] * others + [5] * (750 - others)
    assert named(answers(judged(BALANCED, given, classes=10)))[0] == "one-answer"


def test_two_answers_for_ten_classes_are_not_one_but_eight_classes_are_never_given() -> None:
    found = answers(judged(BALANCED, [index % 2 for index in range(750)], classes=10))
    assert named(found) == ["never-answered"]
    assert "8 of 10 classes" in found[0].sentence
    assert "and 3 more" in found[0].sentence


def test_a_frequent_class_given_to_all_is_noticed_with_what_helps() -> None:
    found = answers(judged([0] * 95 + [1] * 3 + [2] * 2, [0] * 100))
    assert named(found) == ["one-answer"]
    assert "--balance" in found[0].advice


def test_a_frequent_class_that_is_answered_often_and_rightly_is_no_collapse() -> None:
    truth = [0] * 95 + [1] * 3 + [2] * 2
    assert answers(judged(truth, truth)) == []


def test_images_of_one_class_alone_prove_no_collapse() -> None:
    """`evaluate RUN folder-of-cats/`: all of them are cats, and it says so."""
    assert answers(judged([1] * 40, [1] * 40)) == []


def test_few_images_make_a_warning_and_one_makes_none() -> None:
    assert [each.severity for each in answers(judged([0, 1, 2], [1, 1, 1]))][:1] == ["warning"]
    assert "one-answer" not in named(answers(judged([0], [1])))


def test_all_wrong_with_one_answer_says_so_though_the_class_is_not_there() -> None:
    found = answers(judged([0, 1] * 20, [2] * 40))
    assert found[0].name == "one-answer"
    assert "0 of them are of it" in found[0].evidence


def test_guessing_is_said_to_be_no_better_than_the_most_frequent_class() -> None:
    random = np.random.default_rng(0)
    found = answers(judged([0, 1] * 100, random.integers(0, 2, 200).tolist(), classes=2))
    assert named(found) == ["no-better"]


def test_what_is_a_little_better_on_few_images_is_a_note_with_what_would_tell() -> None:
    [few] = answers(judged([0, 1] * 8, [*[0, 1] * 5, *[1, 0] * 3], classes=2))
    assert (few.name, few.severity) == ("no-better", "note")
    assert "--folds 5" in few.advice
    [held_out] = answers(judged([0, 1] * 8, [*[0, 1] * 5, *[1, 0] * 3], classes=2, folds=5))
    assert not held_out.advice


def test_images_held_out_are_called_so() -> None:
    assert "all 40 images held out" in answers(judged([0, 1] * 20, [1] * 40, folds=5))[0].sentence


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e6])
def test_one_number_for_all_is_noticed_at_any_scale(scale: float) -> None:
    truth = [scale * value for value in range(10)]
    assert "one-answer" in named(answers(numbers(truth, [4.5 * scale] * 10)))
    assert "one-answer" not in named(answers(numbers(truth, truth)))


@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_numbers_that_are_no_better_than_the_median_are_said_to_be(scale: float) -> None:
    truth = [scale * (value % 10) for value in range(200)]
    guessed = [scale * value for value in np.random.default_rng(0).permutation(200) % 10]
    assert named(answers(numbers(truth, guessed)))[0] == "no-better"
    near = [value + scale * 0.3 for value in truth]
    assert "no-better" not in named(answers(numbers(truth, near)))


def test_numbers_outside_the_range_of_training_are_said_to_be() -> None:
    inside = [float(value) for value in range(11)] * 4
    found = answers(numbers([*inside, 12], [*inside, 30]))
    assert named(found) == ["targets-outside", "answers-outside"]
    assert found[0].sentence.startswith("1 of 45 targets lie outside 0–10")
    assert "nothing taught it" in found[0].evidence
    assert found[1].sentence.startswith("1 of 45 answers lie outside 0–10")


def test_answers_that_are_no_numbers_are_left_to_the_guard() -> None:
    broken = judged([0, 1], [0, 0])
    broken.logits[0, 0] = np.nan
    assert answers(broken) == []


def of_confidence(count: int, sure: float, right: float) -> Predictions:
    """Images answered with a probability of `sure`, of which a share is right."""
    logits = np.tile(np.array([np.log(sure / (1 - sure)), 0.0], dtype=np.float32), (count, 1))
    labels = (np.arange(count) >= right * count).astype(np.int64)
    return Predictions(
        split="test",
        logits=logits,
        labels=labels,
        ids=tuple(map(str, range(count))),
        class_names=("a", "b"),
    )


def test_fifty_images_cannot_tell_whether_confidence_is_to_be_believed() -> None:
    random = np.random.default_rng(0)
    sure = random.uniform(0.5, 1, 50)
    logits = np.stack([np.log(sure / (1 - sure)), np.zeros(50)], axis=1).astype(np.float32)
    few = of_confidence(50, sure=0.8, right=0.8)
    found = confidence(replace(few, logits=logits, labels=(random.random(50) > sure).astype(np.int64)))
    assert found.severity == "note"
    assert found.sentence == "50 test images cannot tell whether its confidence is to be believed"


def test_many_images_can() -> None:
    assert confidence(of_confidence(5000, sure=0.8, right=0.8)).severity == "fine"
    sure = confidence(of_confidence(5000, sure=0.95, right=0.8))
    assert "surer than it is right, by 15.0 points" in sure.sentence
    unsure = confidence(of_confidence(5000, sure=0.6, right=0.8))
    assert "right more often than it is sure" in unsure.sentence


def test_confidence_that_is_off_both_ways_is_not_called_too_high_or_too_low() -> None:
    half = of_confidence(2000, sure=0.95, right=0.8)
    other = of_confidence(2000, sure=0.6, right=0.75)
    both = replace(
        half,
        logits=np.concatenate([half.logits, other.logits]),
        labels=np.concatenate([half.labels, other.labels]),
        ids=half.ids + other.ids,
    )
    found = confidence(both)
    assert found.severity == "warning"
    assert found.sentence == "its confidence is off in both directions, by 15.0 points on average"
