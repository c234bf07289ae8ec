"""Folders of photos as people have them: what is wrong is named, and one image is the same on every path."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli.main import run as run_command
from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset

SIZE = 32
SHORT = ("--network", "two-conv", "--size", str(SIZE), "--steps", "3", "--batch-size", "8", "--threads", "1")
TURNS = {  # from an upright picture to the pixels that an EXIF orientation turns back
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
Command = Callable[..., tuple[int, Any]]


def photo(number: int, size: tuple[int, int] = (160, 128)) -> Image.Image:
    """A smooth picture, no two alike, that looks different from every side."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def fill(folder: Path, counts: dict[str, int], first: int) -> Path:
    """JPEGs in class folders, numbered through."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(first, first + count):
            photo(number).save(folder / name / f"{number}.jpg", quality=92)
        first += count
    return folder


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Arguments → exit code, and the JSON document or the error message."""

    def call(*arguments: object) -> tuple[int, Any]:
        capsys.readouterr()
        code = run_command([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        if code == 0:
            return code, json.loads(captured.out)
        message = captured.err[captured.err.index("error: ") :]
        assert len(message.splitlines()) <= 3
        return code, message

    return call


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes for training, and a test folder with copies, without bees, with hornets."""
    root = tmp_path_factory.mktemp("data") / "insects"
    fill(root / "train", {"ant": 8, "bee": 8, "wasp": 8}, first=0)
    fill(root / "test", {"ant": 4, "wasp": 4, "hornet": 3}, first=100)
    (root / "test" / "ant" / "copy.jpg").write_bytes((root / "train" / "ant" / "0.jpg").read_bytes())
    photo(17, size=(80, 64)).save(root / "test" / "wasp" / "small.jpg", quality=80)
    return root


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the training folder alone."""
    runs = tmp_path_factory.mktemp("runs")
    return convscope.train(
        photos / "train", runs=runs, network="two-conv", size=SIZE, steps=3, batch_size=8, threads=1
    ).path


def test_the_audit_names_copies_across_splits(command: Command, photos: Path, tmp_path: Path) -> None:
    code, found = command("data", photos, "--json", "--picture", tmp_path / "samples.png")
    assert code == 0
    pairs = {frozenset(leak["paths"]): leak["exact"] for leak in found["leaks"]}
    assert pairs == {
        frozenset({"train/ant/0.jpg", "test/ant/copy.jpg"}): True,
        frozenset({"train/wasp/17.jpg", "test/wasp/small.jpg"}): False,
    }
    assert found["duplicates"] == found["leaks"]
    assert found["missing"] == {"test": ["bee"], "train": ["hornet"]}


def test_training_refuses_a_class_that_only_the_test_has(
    command: Command, photos: Path, tmp_path: Path
) -> None:
    code, message = command("train", photos, *SHORT, "--runs", tmp_path, "--json")
    assert code == 3
    assert "'hornet'" in message


def test_training_keeps_copies_of_test_images_out_by_name(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "insects"
    fill(folder / "train", {"ant": 8, "wasp": 8}, first=0)
    fill(folder / "test", {"ant": 4, "wasp": 4}, first=100)
    (folder / "test" / "ant" / "copy.jpg").write_bytes((folder / "train" / "ant" / "3.jpg").read_bytes())
    photo(12, size=(80, 64)).save(folder / "test" / "wasp" / "small.jpg", quality=80)
    code, summary = command("train", folder, *SHORT, "--runs", tmp_path / "runs", "--name", "one", "--json")
    assert code == 0
    assert summary["test"]["accuracy"]["n"] == 10
    notes = " ".join(json.loads((tmp_path / "runs" / "one" / "dataset.json").read_text())["notes"])
    assert "train/ant/3.jpg" in notes
    assert "train/wasp/12.jpg" in notes
    kept = (tmp_path / "runs" / "one" / "splits.csv").read_text()
    assert "test/ant/copy.jpg" in kept
    assert "train/ant/3.jpg" not in kept


def test_copies_without_given_splits_stay_on_one_side(command: Command, tmp_path: Path) -> None:
    folder = fill(tmp_path / "insects", {"ant": 12, "wasp": 12}, first=0)
    for number in range(6):
        photo(number, size=(96, 77)).save(folder / "ant" / f"small-{number}.jpg", quality=80)
    code, _ = command("train", folder, *SHORT, "--runs", tmp_path / "runs", "--name", "one", "--json")
    assert code == 0
    lines = (tmp_path / "runs" / "one" / "splits.csv").read_text().splitlines()
    split_of = {line.split(",")[0]: line.split(",")[2] for line in lines[1:]}
    assert {split_of[f"ant/{n}.jpg"] == split_of[f"ant/small-{n}.jpg"] for n in range(6)} == {True}


def test_a_class_renamed_after_training_is_named(command: Command, trained: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "renamed", {"ant": 3, "honeybee": 3, "wasp": 3}, first=200)
    code, message = command("evaluate", trained, folder, "--json")
    assert code == 3
    assert "'bee'" in message
    assert "'honeybee'" in message
    assert "--ignore-unknown" in message


def test_missing_and_unknown_classes_of_a_test_folder_are_named(
    command: Command, trained: Path, photos: Path
) -> None:
    code, message = command("evaluate", trained, photos / "test", "--json")
    assert code == 3
    assert "'hornet'" in message
    assert "'bee'" in message
    code, found = command("evaluate", trained, photos / "test", "--ignore-unknown", "--json")
    assert code == 0
    notes = " ".join(found["notes"])
    assert "3 images of unknown classes left out: hornet" in notes
    assert "no images here of: bee" in notes
    # Classes are matched by name, not by their place in the folder: ant 0, wasp 2.
    supports = {entry["name"]: entry["support"] for entry in found["test"]["per_class"]}
    assert supports == {"ant": 5, "bee": 0, "wasp": 5}


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture in all eight orientations, as PNG and JPEG; every file shows the same, upright."""
    root = tmp_path_factory.mktemp("data") / "turned"
    for split, first in (("train", 300), ("validation", 320)):
        fill(root / split, {"ant": 6, "wasp": 6}, first=first)
    fill(root / "test", {"wasp": 1}, first=340)
    (root / "test" / "ant").mkdir()
    for orientation, turn in TURNS.items():
        stored = photo(350) if turn is None else photo(350).transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind in ("png", "jpg"):
            stored.save(root / "test" / "ant" / f"{orientation}.{kind}", exif=exif, quality=97, subsampling=0)
    return root


def test_one_image_in_eight_orientations_is_one_image_on_every_path(
    command: Command, turned: Path, tmp_path: Path
) -> None:
    options = ("--fit", "crop", "--runs", tmp_path, "--name", "one", "--json")
    code, summary = command("train", turned, *SHORT, *options)
    assert code == 0
    run, files = tmp_path / "one", sorted((turned / "test" / "ant").iterdir())
    _same_tensors(run, turned, files)

    with np.load(run / "predictions" / "test.npz") as stored:
        rows = {name: row for row, name in enumerate(stored["ids"].tolist())}
        logits = stored["logits"].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    trained = np.array([shares[rows[f"test/ant/{path.name}"]] for path in files])

    pngs = [number for number, path in enumerate(files) if path.suffix == ".png"]
    assert np.abs(trained[pngs] - trained[pngs[0]]).max() < 1e-5
    for found in (
        [_predicted(command, run, path)[0] for path in files],
        _predicted(command, run, *files),
        _in_new_process(run, files),
    ):
        assert np.abs(np.array(found) - trained).max() < 1e-5
    code, evaluated = command("evaluate", run, "--json")
    assert evaluated["test"]["loss"] == pytest.approx(summary["test"]["loss"], abs=1e-5)
    assert evaluated["test"]["accuracy"] == summary["test"]["accuracy"]


def _same_tensors(run: Path, folder: Path, files: list[Path]) -> None:
    """What training loaded and prediction reads: the same bits; JPEG differs from PNG by its rounding."""
    classifier = convscope.load(run)
    dataset = load_dataset(DataConfig(source=str(folder)), size=(SIZE, SIZE), channels=3, fit="crop", seed=0)
    loaded = dict(zip(dataset.test.ids, dataset.test.images, strict=True))
    upright = loaded["test/ant/1.png"]
    for path in files:
        pixels = loaded[f"test/ant/{path.name}"]
        assert classifier.read(path).equal(pixels), path.name
        if path.suffix == ".png":
            assert pixels.equal(upright), path.name
        assert (pixels.int() - upright.int()).abs().max() <= 4, path.name


def _predicted(command: Command, run: Path, *files: Path) -> list[list[float]]:
    code, found = command("predict", run, *files, "--json")
    assert code == 0
    return [list(one["probabilities"].values()) for one in found["predictions"]]


def _in_new_process(run: Path, files: list[Path]) -> list[list[float]]:
    code = (
        "import json, sys, convscope\n"
        "found = convscope.load(sys.argv[1]).predict(sys.argv[2:])\n"
        "print(json.dumps([list(one.probabilities.values()) for one in found]))"
    )
    arguments = [sys.executable, "-c", code, str(run), *map(str, files)]
    return json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout)
