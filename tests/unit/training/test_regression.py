"""Numbers instead of classes, from a table of pictures."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.runs.folder import Run
from convscope.training.preparation import describe_target

Train = Callable[..., Run]


@pytest.fixture
def brightness(tmp_path: Path) -> Path:
    """60 pictures, and how bright each is, from 10 to 14."""
    folder = tmp_path / "bright"
    folder.mkdir()
    rows = []
    for number in range(60):
        generator = np.random.default_rng(number)
        level = generator.uniform(0, 1)
        noise = generator.integers(-20, 20, (12, 12)) + 30 + 190 * level
        Image.fromarray(noise.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append((f"{number}.png", f"{10 + 4 * level:.3f}"))
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return folder / "table.csv"


def test_it_learns_a_number(train: Train, brightness: Path) -> None:
    run = train(data=brightness, steps=80, learning_rate=1e-2)
    summary = run.read("summary.json")
    error = summary["test"]["mean_absolute_error"]
    assert error["n"] == 9
    assert error["value"] < 0.4  # guessing the mean is about 1 off
    assert error["interval"][0] <= error["value"] <= error["interval"][1]
    assert summary["untrained"]["accuracy"] is None
    classifier = convscope.load(run.path)
    assert classifier.class_names == ()
    [prediction] = classifier.predict(brightness.parent / "0.png")
    assert 9 < prediction.value < 15
    assert math.isnan(prediction.probability)
    assert prediction.to_dict()["value"] == prediction.value


def test_saved_resumed_and_evaluated(train: Train, brightness: Path, tmp_path: Path) -> None:
    run = train(data=brightness, steps=4)
    again = convscope.load(convscope.load(run.path).save(tmp_path / "model"))
    path = brightness.parent / "0.png"
    assert again.predict(path)[0].value == convscope.load(run.path).predict(path)[0].value
    kept = run.read("summary.json")["test"]
    assert convscope.evaluate(run.path).to_dict() == kept
    convscope.resume(run.path, steps=6)
    assert run.checkpoint().step == 6


def test_whole_numbers_can_be_either(train: Train, brightness: Path) -> None:
    text = brightness.read_text().splitlines()
    rows = [
        text[0],
        *(f"{line.partition(',')[0]},{round(float(line.partition(',')[2]))}" for line in text[1:]),
    ]
    brightness.write_text("\n".join(rows))
    assert len(convscope.load(train(data=brightness, steps=2).path).class_names) == 5
    assert convscope.load(train(data=brightness, steps=2, task="regression").path).class_names == ()


@pytest.mark.parametrize("scale", [1e-30, 1e12])
def test_numbers_of_any_size_are_learnt_alike(train: Train, brightness: Path, scale: float) -> None:
    """Spreads below 1e-6 were taken for 1e-6, and so not learnt."""
    with brightness.open(newline="") as file:
        rows = [(row["path"], f"{float(row['label']) * scale:.17g}") for row in csv.DictReader(file)]
    path = brightness.with_name("scaled.csv")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    summary = train(data=path, steps=40, learning_rate=1e-2).read("summary.json")
    assert summary["test"]["mean_absolute_error"]["value"] / scale < 0.7


def test_numbers_without_a_spread_have_none_to_divide_by(brightness: Path) -> None:
    dataset = load_dataset(DataConfig(source=str(brightness)), size=(8, 8), channels=1, fit="squash", seed=0)
    for count in (1, 20):
        same = replace(dataset.train.take(range(count)), labels=torch.full((count,), 3.5))
        target = describe_target(replace(dataset, train=same))
        assert (target.mean, target.std) == (3.5, 1.0)
