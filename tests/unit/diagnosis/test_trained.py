"""Rules on what came of training: each finds its fault, and leaves what chance makes alone."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.rules.collapse import collapse
from convscope.diagnosis.rules.confidence import calibrated
from convscope.diagnosis.rules.curves import curves
from convscope.diagnosis.rules.ending import Ending, ended
from convscope.diagnosis.rules.groups import failing_groups
from convscope.diagnosis.rules.shortcuts import shortcuts
from convscope.diagnosis.rules.statistics import batch_statistics, preprocessed
from convscope.diagnosis.rules.units import dead_layers
from convscope.diagnosis.rules.way import way
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.temperature import least_loss
from convscope.inspection.signals.dead_units import DeadUnits


def predictions(labels: NDArray[np.int64], given: NDArray[np.int64], sure: float = 6.0) -> Predictions:
    return Predictions(
        split="test",
        logits=(sure * np.eye(4)[given]).astype(np.float32),
        labels=labels,
        ids=tuple(f"{row}.png" for row in range(len(labels))),
        class_names=tuple("abcd"),
    )


def right_for(share: float, total: int, seed: int = 0, sure: float = 6.0) -> Predictions:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, total)
    given = np.where(random.random(total) < share, labels, (labels + 1) % 4)
    return predictions(labels, given, sure)


def names(verdict: Verdict, level: float = 1e-3) -> list[str]:
    return [each.name for each in verdict.findings if (each.p or 0) < level]


def test_a_group_that_fails_is_found_with_its_class() -> None:
    labels, given = np.arange(1200) % 4, np.arange(1200) % 4
    brightness = np.random.default_rng(0).random(1200)
    given = np.where((labels == 2) & (brightness < 0.3), 1, given)
    looks = {"brightness": brightness, "contrast": np.random.default_rng(1).random(1200)}
    verdict = failing_groups(predictions(labels, given), looks)
    assert names(verdict)[:1] == ["failing-group"]
    assert "dark images of “c”" in verdict.findings[0].sentence


def test_groups_of_sound_answers_do_not_fail() -> None:
    """The worst of 16 groups is bad by chance on one half; the other half says so."""
    for seed in range(40):
        random = np.random.default_rng(seed)
        looks = {"brightness": random.random(400), "contrast": random.random(400)}
        assert names(failing_groups(right_for(0.8, 400, seed), looks), 0.003) == []


def test_few_images_make_no_group() -> None:
    with pytest.raises(AbsentError, match="too few"):
        failing_groups(right_for(0.8, 40), {"brightness": np.arange(40.0)})


def test_confidence_that_is_off_is_told_with_its_temperature() -> None:
    verdict = calibrated(right_for(0.7, 1000))
    assert names(verdict) == ["miscalibrated"]
    assert verdict.findings[0].severity == "note"
    assert "29." in verdict.findings[0].sentence


def test_confidence_at_its_word_passes() -> None:
    logit = math.log(0.8 / (0.2 / 3))
    assert all(names(calibrated(right_for(0.8, 300, seed, logit)), 0.003) == [] for seed in range(100))


def test_the_temperature_undoes_a_scale() -> None:
    logit = math.log(0.8 / (0.2 / 3))
    found = right_for(0.8, 20_000, 1, 3 * logit)
    assert least_loss(found.logits, found.labels) == pytest.approx(3, rel=0.05)


def preprocessing(mean: float, std: float) -> Preprocessing:
    return Preprocessing(8, 8, 1, "crop", torch.full((1, 1, 1), mean), torch.full((1, 1, 1), std))


@pytest.mark.parametrize(
    ("mean", "std", "found"), [(0.0, 1.0, True), (0.13, 0.31, False), (0.132, 0.3, False), (0.5, 0.31, True)]
)
def test_a_classifier_that_forgot_its_mean_is_told(mean: float, std: float, found: bool) -> None:
    verdict = preprocessed(preprocessing(mean, std), preprocessing(0.13, 0.31))
    assert bool(verdict.findings) is found
    assert preprocessed(preprocessing(0.0, 1.0), preprocessing(0.0, 1.0)).findings == ()


def test_statistics_that_fit_badly_are_told() -> None:
    assert names(batch_statistics(right_for(0.3, 300), right_for(0.9, 300))) == ["statistics-differ"]
    assert names(batch_statistics(right_for(0.9, 300, 1), right_for(0.88, 300, 1))) == []


def record(epoch: int, loss: float, accuracy: float) -> dict[str, Any]:
    return {"split": "validation", "step": 10 * epoch, "epoch": epoch, "loss": loss, "accuracy": accuracy}


def test_overfitting_is_dated() -> None:
    losses = [1.0, 0.7, 0.5, 0.55, 0.6, 0.68, 0.75, 0.8, 0.9, 1.0, 1.1]
    verdict = curves([record(epoch, loss, 0.8) for epoch, loss in enumerate(losses, 1)], 500)
    assert names(verdict) == ["overfits"]
    assert verdict.findings[0].sentence == "it overfits since epoch 3"
    later = curves([record(1000 + epoch, loss, 0.8) for epoch, loss in enumerate(losses, 1)], 500)
    assert later.findings[0].sentence == "it overfits since epoch 1,003"


def test_a_curve_that_still_rises_is_told_and_noise_is_not() -> None:
    rising = [record(epoch, 1 / epoch, 0.5 + 0.05 * epoch) for epoch in range(1, 9)]
    assert names(curves(rising, 800)) == ["still-improving"]
    random = np.random.default_rng(0)
    for _ in range(200):
        flat = [record(epoch, 0.5 + random.normal(0, 0.1), 0.8) for epoch in range(1, 12)]
        assert names(curves(flat, 500), 0.0003) == []


@pytest.mark.parametrize(("falling", "level"), [(0, 40), (0, 9), (10, 30), (30, 10)])
def test_noise_around_a_level_overfits_no_more_often_than_its_p_says(falling: int, level: int) -> None:
    random = np.random.default_rng(0)
    fall = np.linspace(20.0, 10.0, falling)
    found = []
    for _ in range(2000):
        losses = [*fall, *np.exp(random.normal(0, 0.4, level))]
        verdict = curves([record(epoch, loss, 0.8) for epoch, loss in enumerate(losses, 1)], 500)
        found.append(min((each.p or 0.0 for each in verdict.findings if each.name == "overfits"), default=1))
    for p in (0.002, 0.01, 0.05, 0.1, 0.3):
        assert np.mean(np.array(found) <= p) <= p


def test_few_validations_say_nothing() -> None:
    with pytest.raises(AbsentError, match="fewer than 3"):
        curves([record(1, 0.5, 0.8)], 100)


@pytest.mark.parametrize(
    ("moved", "share", "name"),
    [(0.004, 0.3, "rate-too-low"), (0.004, 0.99, ""), (0.5, 0.3, ""), (40.0, 0.2, "rate-too-high")],
)
def test_the_way_of_the_weights(moved: float, share: float, name: str) -> None:
    verdict = way({"a": moved, "b": 1.2 * moved, "c": 0.9 * moved}, right_for(share, 300))
    assert names(verdict) == ([name] if name else [])


VGG = NetworkConfig(name="vgg12")


def dead(share: float) -> DeadUnits:
    silent = np.arange(100) < 100 * share
    return DeadUnits(layer="conv2", dead=silent, firing_share=1.0 - silent, images=256)


def test_a_dead_layer_is_named() -> None:
    assert dead_layers([dead(0.2), dead(0.5)], VGG).findings == ()
    (found,) = dead_layers([dead(0.2), dead(1.0)], VGG).findings
    assert (found.name, found.severity) == ("dead-layer", "error")
    assert "--batch-norm" in found.advice
    with pytest.raises(AbsentError, match="no rectifier"):
        dead_layers([], VGG)


@pytest.mark.parametrize("name", ["pretrained", "two-conv", "small-resnet"])
def test_batch_norm_is_not_advised_to_networks_that_refuse_it_or_have_it(name: str) -> None:
    (found,) = dead_layers([dead(1.0)], NetworkConfig(name=name)).findings
    assert found.advice == "Train again with a lower --learning-rate"


def test_a_collapse_is_told_and_few_images_are_not_called_one() -> None:
    labels = np.arange(200) % 4
    assert names(collapse(predictions(labels, np.zeros_like(labels)))) == ["one-answer"]
    assert names(collapse(predictions(labels[:9], labels[:9] * 0))) == []
    random = np.random.default_rng(0)
    assert "no-better" in names(collapse(predictions(labels, random.permutation(labels))), 0.05)
    assert all(names(collapse(right_for(0.6, 12, seed)), 0.003) == [] for seed in range(100))


@pytest.mark.parametrize(
    ("is_kept", "is_finished", "severity"), [(True, True, ""), (True, False, "note"), (False, False, "error")]
)
def test_a_run_that_kept_nothing_is_no_sound_run(is_kept: bool, is_finished: bool, severity: str) -> None:
    ending = Ending(
        resume="convscope train --resume a",
        step=7,
        learning_rate=8e6,
        is_kept=is_kept,
        is_finished=is_finished,
    )
    findings = ended(ending).findings
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    assert all("--resume a" in finding.advice for finding in findings)


@pytest.mark.parametrize(
    ("middle", "border", "rests"),
    [(0.88, 0.3, True), (0.3, 0.88, False), (0.3, 0.3, False), (0.9, 0.9, False)],
)
def test_resting_on_the_border_is_told(middle: float, border: float, rests: bool) -> None:
    covered = {"middle": right_for(middle, 2000, 1), "border": right_for(border, 2000, 2)}
    assert names(shortcuts(right_for(0.9, 2000), covered)) == (["rests-on-border"] if rests else [])
