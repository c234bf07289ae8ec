"""Classes are matched by name, whatever order they come in; own data are the data of training."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.errors import DataError, UsageError
from convscope.evaluation.evaluating import evaluate_path
from convscope.runs.folder import Run

BAND = {"ant": 0, "bee": 4, "wasp": 8}


def make(folder: Path, counts: dict[str, int], first: int = 0) -> Path:
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            noise = np.random.default_rng([len(name), ord(name[0]), number]).integers(
                0, 90, (12, 12), np.uint8
            )
            place = BAND.get(name.removeprefix("10 ").removeprefix("2 "), 0)
            noise[place : place + 2] += 150
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("data") / "photos", {"ant": 20, "bee": 20, "wasp": 20})


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    settings = {"network": "linear", "batch_size": 16, "learning_rate": 0.02, "threads": 1}
    return convscope.train(photos, runs=runs, **settings, steps=40, augmentation="none").path


def test_a_missing_class_does_not_shift_the_others(run: Path, tmp_path: Path) -> None:
    """Without `ant`, `bee` would be index 0 if indices came from the folder."""
    evaluated = evaluate_path(run, str(make(tmp_path / "two", {"wasp": 6, "bee": 6}, first=50)))
    assert evaluated.evaluation.accuracy.value == 1.0
    assert evaluated.evaluation.accuracy.n == 12
    assert "no images here of: ant" in " ".join(evaluated.notes)


def test_one_known_class_is_enough(run: Path, tmp_path: Path) -> None:
    evaluated = evaluate_path(run, str(make(tmp_path / "one", {"wasp": 5}, first=50)))
    assert evaluated.evaluation.accuracy.value == 1.0


def test_an_unknown_class_stops_or_stays_out(run: Path, tmp_path: Path) -> None:
    """`aardvark` comes before all others."""
    folder = make(tmp_path / "more", {"aardvark": 3, "ant": 4, "bee": 4, "wasp": 4}, first=50)
    with pytest.raises(DataError, match="aardvark") as caught:
        evaluate_path(run, str(folder))
    assert "--ignore-unknown" in str(caught.value)
    evaluated = evaluate_path(run, str(folder), ignore_unknown=True)
    assert evaluated.evaluation.accuracy.n == 12
    assert evaluated.evaluation.accuracy.value == 1.0
    assert "3 images of unknown classes left out: aardvark" in " ".join(evaluated.notes)


def test_names_in_natural_order_keep_their_index(tmp_path: Path) -> None:
    folder = make(tmp_path / "numbered", {"10 bee": 12, "2 ant": 12})
    run = convscope.train(folder, runs=tmp_path, network="linear", steps=40, learning_rate=0.02, threads=1)
    assert convscope.load(run).class_names == ("2 ant", "10 bee")
    other = make(tmp_path / "other", {"10 bee": 5}, first=50)
    assert evaluate_path(run.path, str(other)).evaluation.accuracy.value == 1.0


def test_a_given_test_split_is_the_one_that_counts(run: Path, tmp_path: Path) -> None:
    make(tmp_path / "split" / "train", {"ant": 7, "bee": 7, "wasp": 7}, first=70)
    make(tmp_path / "split" / "test", {"ant": 2, "bee": 2, "wasp": 2}, first=90)
    assert evaluate_path(run, str(tmp_path / "split")).evaluation.accuracy.n == 6
    assert evaluate_path(run, str(tmp_path / "split"), split="train").evaluation.accuracy.n == 21


def test_splits_have_the_sizes_of_the_run(run: Path) -> None:
    sizes = Run.open(run).read("dataset.json")["sizes"]
    for split, size in sizes.items():
        assert evaluate_path(run, split=split).evaluation.accuracy.n == size
    with pytest.raises(UsageError, match="tset"):
        evaluate_path(run, split="tset")


@pytest.mark.parametrize("change", ["a class more", "an image more"])
def test_own_data_that_changed_since_training_is_told(photos: Path, tmp_path: Path, change: str) -> None:
    """Other images are divided anew: some of today's test images were trained on, or classes shift."""
    folder = shutil.copytree(photos, tmp_path / "photos")
    settings = {"network": "linear", "learning_rate": 0.02, "threads": 1, "augmentation": "none"}
    path = convscope.train(folder, runs=tmp_path / "runs", **settings, steps=20).path
    assert evaluate_path(path).evaluation.accuracy.n == 9
    make(folder, {"aardvark": 20} if change == "a class more" else {"ant": 30}, first=30)
    with pytest.raises(DataError, match="changed since"):
        evaluate_path(path)
