"""What cannot be read is in no figure, and is said; what the run could read, its classifier can read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli.main import run as command
from convscope.errors import DataError, RunError, UsageError
from convscope.evaluation.evaluating import evaluate_path

SETTINGS = {"network": "linear", "steps": 3, "threads": 1, "augmentation": "none", "size": 10}


def fill(folder: Path, count: int, first: int, side: int = 10) -> Path:
    for place, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            noise = np.random.default_rng([place, number]).integers(0, 256, (side, side), np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fill(tmp_path_factory.mktemp("data") / "photos", 12, 0)
    return convscope.train(folder, runs=tmp_path_factory.mktemp("runs"), **SETTINGS).path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """60 images, and one file that is none."""
    folder = fill(tmp_path / "other", 30, 100)
    (folder / "bee" / "torn.png").write_bytes((folder / "bee" / "100.png").read_bytes()[:50])
    return folder


def test_a_broken_file_is_named_beside_the_figures(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate_path(run, str(other))
    assert found.evaluation.accuracy.n == 60
    assert found.to_dict()["quarantined"] == [{"path": "bee/torn.png", "reason": "cut short"}]
    assert command(["evaluate", str(run), str(other)]) == 0
    assert "1 file left out of these figures: bee/torn.png (cut short)" in capsys.readouterr().out
    assert command(["evaluate", str(run), str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quarantined"][0]["path"] == "bee/torn.png"


def test_many_broken_files_stop_and_are_allowed_by_the_flag_that_is_recommended(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        (other / "ant" / f"note-{number}.txt").write_text("no picture")
    with pytest.raises(DataError, match="--allow-broken"):
        evaluate_path(run, str(other))
    assert command(["evaluate", str(run), str(other), "--allow-broken", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["test"]["accuracy"]["n"] == 60
    assert len(document["quarantined"]) == 6
    assert any(
        note.startswith("6 files left out") and note.endswith("and 3 more") for note in document["notes"]
    )
    assert convscope.evaluate(run, other, allow_broken=True).accuracy.n == 60


def test_a_run_on_broken_files_says_so_when_it_is_evaluated(tmp_path: Path) -> None:
    folder = fill(tmp_path / "photos", 12, 0)
    (folder / "ant" / "torn.png").write_bytes(b"\x89PNG")
    path = convscope.train(folder, runs=tmp_path / "runs", **SETTINGS).path
    assert evaluate_path(path).quarantined[0].path == "ant/torn.png"
    assert "ant/torn.png" in " ".join(evaluate_path(path).notes)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was told to take no more than 400 pixels, and one with its limit raised above the files'."""
    folder = fill(tmp_path_factory.mktemp("data") / "photos", 12, 0, side=20)
    runs = tmp_path_factory.mktemp("runs")
    return folder, convscope.train(folder, runs=runs, max_pixels=400, **SETTINGS).path


def as_it_is(path: Path, _folder: Path) -> Path:
    return path


def saved(path: Path, folder: Path) -> Path:
    return convscope.load(path).save(folder / "saved")


def from_before(path: Path, folder: Path) -> Path:
    """A run whose classifier.json does not say yet how images are read."""
    old = shutil.copytree(path, folder / "old", symlinks=True)
    description = json.loads((old / "classifier.json").read_text())
    del description["reading"]
    (old / "classifier.json").write_text(json.dumps(description))
    return old


@pytest.mark.parametrize("where", [as_it_is, saved, from_before])
def test_the_limit_of_the_run_is_that_of_its_classifier(
    narrow: tuple[Path, Path], tmp_path: Path, where: Callable[[Path, Path], Path]
) -> None:
    """Both ways: what it read is read, what it refused is refused."""
    folder, path = narrow
    classifier = convscope.load(where(path, tmp_path))
    assert classifier.reading.max_pixels == 400
    assert len(classifier.predict(folder)) == 24
    Image.new("L", (21, 20)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"large\.png: 21 × 20 pixels are over the limit of 400"):
        classifier.predict(tmp_path / "large.png")
    assert evaluate_path(where(path, tmp_path / "again"), str(folder)).evaluation.accuracy.n == 24
    other = fill(tmp_path / "other", 30, 50, side=20)
    Image.new("L", (21, 20)).save(other / "ant" / "large.png")
    assert [e.path for e in evaluate_path(path, str(other)).quarantined] == ["ant/large.png"]


def test_a_limit_above_the_usual_one_is_kept(tmp_path: Path) -> None:
    """A run that was told to take more than 100 million pixels is not refused them afterwards."""
    folder = fill(tmp_path / "photos", 12, 0)
    run = convscope.train(folder, runs=tmp_path / "runs", max_pixels=150_000_000, **SETTINGS).path
    Image.new("1", (12_000, 10_000)).save(tmp_path / "wide.png")
    assert len(convscope.load(run).predict(tmp_path / "wide.png")) == 1


def test_saving_overwrites_nothing_unasked(run: Path, tmp_path: Path) -> None:
    classifier = convscope.load(run)
    saved = classifier.save(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    with pytest.raises(UsageError, match="overwrite=True"):
        convscope.load(run, "untrained").save(saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    convscope.load(run, "untrained").save(saved, overwrite=True)
    assert (saved / "model.safetensors").read_bytes() != before["model.safetensors"]
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"config\.json"):
            classifier.save(run, overwrite=overwrite)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README.md").write_text("mine")
    with pytest.raises(UsageError, match=r"README\.md"):
        classifier.save(tmp_path / "notes")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file"):
        classifier.save(tmp_path / "file")
