"""Candidates are chosen by their loss, and what is reported of the choice is not flattered by it."""

import numpy as np
import pytest
import torch

from convscope.evaluation.predictions import Predictions
from convscope.training.fine_tuning.blending import blend
from convscope.training.folding.choosing import choose_by_others, mean_losses
from convscope.training.outcome.keeping import best_of, evidence

CANDIDATES = ("head", "blend", "last")


def answers(logits: np.ndarray, labels: np.ndarray) -> Predictions:
    return Predictions(
        split="test",
        logits=logits.astype(np.float32),
        labels=labels,
        ids=tuple(map(str, range(len(labels)))),
        class_names=("a", "b"),
    )


def guesses(random: np.random.Generator, folds: int, images: int) -> list[dict[str, Predictions]]:
    """Three candidates that know nothing: all are right on half of the images, in truth."""
    labels = random.integers(0, 2, (folds, images))
    return [
        {name: answers(random.normal(size=(images, 2)), truth) for name in CANDIDATES} for truth in labels
    ]


def test_what_is_reported_of_equally_good_candidates_is_not_flattered() -> None:
    random, nested, flattered = np.random.default_rng(0), [], []
    for _ in range(300):
        folds = guesses(random, 5, 12)
        standing = choose_by_others(folds, [0] * 5)
        pairs = list(zip(folds, standing, strict=True))
        nested.append(np.mean([right(fold[name]) for fold, name in pairs]))
        best = best_of(mean_losses(folds))
        flattered.append(np.mean([right(fold[best]) for fold in folds]))
    error = np.std(nested) / np.sqrt(len(nested))
    assert abs(np.mean(nested) - 0.5) < 3 * error
    assert np.mean(flattered) > 0.5 + 6 * error


def right(predictions: Predictions) -> float:
    return float((predictions.predicted == predictions.labels).mean())


@pytest.mark.parametrize(("images", "chosen"), [(60, "last"), (30, "head")])
def test_who_is_too_unsure_is_judged_at_the_temperature_that_suits_it(images: int, chosen: str) -> None:
    """As smoothed labels make fine-tuned networks; with few images a temperature would be a guess."""
    labels, random = np.zeros(images, dtype=np.int64), np.random.default_rng(1)
    sure = np.stack([random.normal(2, 1.5, images), np.zeros(images)], 1)
    better = np.stack([random.normal(2, 1.0, images), np.zeros(images)], 1) / 10
    fold = {"head": answers(sure, labels), "last": answers(better, labels)}
    assert best_of(mean_losses([fold])) == chosen


def test_a_fold_has_no_say_in_what_it_stands_for() -> None:
    """In the first fold alone `last` is far better; all the others stand for it only because of that fold."""
    labels = np.zeros(10, dtype=np.int64)
    sure, even = np.tile([9.0, -9.0], (10, 1)), np.zeros((10, 2))
    slightly = np.tile([0.01, 0.0], (10, 1))
    folds = [{"head": answers(slightly, labels), "last": answers(even, labels)} for _ in range(3)]
    folds[0] = {"head": answers(even, labels), "last": answers(sure, labels)}
    assert choose_by_others(folds, [0, 0, 0]) == ["head", "last", "last"]
    assert best_of(mean_losses(folds)) == "last"


def test_other_repeats_have_no_say_either() -> None:
    labels = np.zeros(4, dtype=np.int64)
    good, bad = np.tile([3.0, 0.0], (4, 1)), np.tile([0.0, 3.0], (4, 1))
    first = {"head": answers(good, labels), "last": answers(bad, labels)}
    second = {"head": answers(bad, labels), "last": answers(good, labels)}
    assert choose_by_others([first, first, second, second], [0, 0, 1, 1]) == ["head"] * 2 + ["last"] * 2


def test_of_equals_the_simplest_is_chosen_and_none_that_failed() -> None:
    assert best_of({"head": 0.5, "blend": 0.5, "last": 0.5}) == "head"
    assert best_of({"head": float("nan"), "blend": float("inf"), "last": 9.0}) == "last"


def test_the_evidence_says_what_the_others_got() -> None:
    said = evidence({"head": 0.25, "blend": 0.21, "last": 0.24}, "62 validation images", is_number=False)
    assert said == "calibrated log loss 0.21 on 62 validation images, where head has 0.25, last has 0.24"


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_a_blend_lies_between_the_two(share: float, wanted: float) -> None:
    head = {"weight": torch.tensor([1.0]), "seen": torch.tensor(0)}
    tuned = {"weight": torch.tensor([3.0]), "seen": torch.tensor(7)}
    mixed = blend(head, tuned, share)
    assert mixed["weight"].item() == wanted
    assert mixed["seen"].item() == 7
