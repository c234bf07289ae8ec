"""Wrong labels are told from hard images, and labels without meaning from a network that failed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.rules.labels import confidently_other, random_labels, wrong_labels
from convscope.diagnosis.telling import HalfTest
from convscope.evaluation.predictions import Predictions


def judged(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Predictions:
    return Predictions(
        split="test",
        logits=logits.astype(np.float32),
        labels=labels,
        ids=tuple(f"{row}.png" for row in range(len(labels))),
        class_names=tuple("abcdefghij"[: logits.shape[1]]),
    )


def learned(accuracy: float, total: int, seed: int, wrong: float = 0.0, classes: int = 10) -> Predictions:
    """A calibrated network, whose labels are drawn from its probabilities, and then spoilt."""
    random = np.random.default_rng(seed)
    sure = random.beta(8 * accuracy, 8 * (1 - accuracy), total).clip(0.02, 0.9999)
    others = random.dirichlet(np.full(classes - 1, 0.3), total) * (1 - sure[:, None])
    probabilities = random.permuted(np.column_stack([sure, others + 1e-9]), axis=1)
    labels = (
        probabilities.cumsum(axis=1) / probabilities.sum(axis=1, keepdims=True) < random.random((total, 1))
    ).sum(1)
    spoilt = random.random(total) < wrong
    labels = np.where(spoilt, (labels + random.integers(1, classes, total)) % classes, labels)
    return judged(np.log(probabilities), labels.astype(np.int64))


def chance(verdict: Verdict) -> float:
    return min((finding.p for finding in verdict.findings if finding.p is not None), default=1.0)


@pytest.mark.parametrize("seed", range(5))
def test_one_wrong_label_in_ten_is_told(seed: int) -> None:
    (found,) = wrong_labels(learned(0.97, 700, seed, wrong=0.1)).findings
    assert found.name == "labels-wrong"
    assert (found.p or 0) < 1e-4
    assert ".png" in found.evidence


@pytest.mark.parametrize("classes", [2, 4, 6, 10])
@pytest.mark.parametrize("accuracy", [0.65, 0.8, 0.97])
def test_hard_images_are_not_taken_for_wrong_labels(accuracy: float, classes: int) -> None:
    for seed in range(40):
        assert chance(wrong_labels(learned(accuracy, 400, seed, classes=classes))) > 1e-3


def test_wrong_labels_of_two_classes_are_told_from_many_images() -> None:
    (found,) = wrong_labels(learned(0.98, 4000, 0, wrong=0.15, classes=2)).findings
    assert (found.p or 0) < 1e-4


def test_a_network_that_is_mostly_wrong_does_not_judge_labels() -> None:
    with pytest.raises(AbsentError, match="cannot judge"):
        wrong_labels(learned(0.2, 400, 0))


def test_the_count_is_near_the_truth() -> None:
    for seed in range(5):
        found = learned(0.99, 2000, seed, wrong=0.1)
        from scipy.special import softmax

        counted = int(confidently_other(softmax(found.logits.astype(np.float64), axis=1), found.labels).sum())
        assert 150 < counted < 260


def test_a_network_that_is_sure_of_what_it_never_saw_does_not_blame_the_labels() -> None:
    """Right of the surest; of the others half are wrong, at random and with a probability of 0.9."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 700)
    easy = np.arange(700) < 300
    given = np.where(easy | (random.random(700) < 0.5), labels, random.integers(0, 10, 700))
    logits = np.where(easy, 9.0, 4.5)[:, None] * np.eye(10)[given] + random.random((700, 10))
    assert chance(wrong_labels(judged(logits, labels))) == 1.0


def test_few_images_say_nothing_of_labels() -> None:
    with pytest.raises(AbsentError, match="too few"):
        wrong_labels(learned(0.9, 60, 0))


def test_labels_without_meaning_are_told_where_a_plain_classifier_fails_too() -> None:
    random = np.random.default_rng(0)
    network = judged(random.normal(size=(500, 10)), random.integers(0, 10, 500))
    nothing = HalfTest(right=61, total=600, by_chance=0.11)
    (found,) = random_labels(network, nothing).findings
    assert (found.name, found.severity) == ("labels-random", "error")
    assert (found.p or 0) < 1e-4


def test_a_network_that_failed_is_no_fault_of_the_labels() -> None:
    random = np.random.default_rng(0)
    network = judged(random.normal(size=(500, 10)), random.integers(0, 10, 500))
    assert random_labels(network, HalfTest(right=480, total=600, by_chance=0.11)).findings == ()
    assert chance(random_labels(network, HalfTest(right=2, total=20, by_chance=0.2))) > 0.003
