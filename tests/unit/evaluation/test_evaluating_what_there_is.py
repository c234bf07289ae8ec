"""What cannot be evaluated is said, with what can; damage and misuse end in a sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.cli.main import run as command
from convscope.errors import DataError, DivergedError, RunError, UsageError
from convscope.evaluation.evaluating import evaluate_path
from convscope.evaluation.predictions import read_predictions
from convscope.evaluation.regression import evaluate_regression
from convscope.runs.folder import Run

SETTINGS = {"network": "linear", "steps": 3, "threads": 1, "augmentation": "none", "size": 10}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "photos"
    for place, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True)
        for number in range(14):
            noise = np.random.default_rng([place, number]).integers(0, 256, (10, 10), np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convscope.train(photos, runs=tmp_path_factory.mktemp("runs"), **SETTINGS).path


@pytest.fixture(scope="module")
def untested(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> convscope.FinishedRun:
    return convscope.train(photos, runs=tmp_path_factory.mktemp("runs"), test_fraction=0.0, **SETTINGS)


def test_a_run_without_a_test_image_says_what_there_is(untested: convscope.FinishedRun) -> None:
    with pytest.raises(UsageError, match="it has validation and train") as caught:
        evaluate_path(untested.path)
    assert "--folds 5" in str(caught.value)
    assert untested.validation.accuracy.n > 0


def test_a_run_without_a_test_image_shows_itself(untested: convscope.FinishedRun, run: Path) -> None:
    shown = untested._repr_html_()
    assert "validation, by class" in shown
    assert "no image was left for the test" in shown
    assert "test, by class" in convscope.FinishedRun(run)._repr_html_()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no archive at all"])
def test_damaged_predictions_are_named(run: Path, tmp_path: Path, content: bytes) -> None:
    copy = shutil.copytree(run, tmp_path / "copy", symlinks=True)
    (copy / "predictions" / "test.npz").write_bytes(content)
    with pytest.raises(RunError, match=r"test\.npz"):
        read_predictions(Run.open(copy), "test")


def test_predictions_that_lack_a_part_are_named(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy", symlinks=True)
    np.savez(copy / "predictions" / "test.npz", labels=np.zeros(3), ids=np.array(["a", "b", "c"]))
    with pytest.raises(RunError, match=r"test\.npz is damaged: .*logits"):
        read_predictions(Run.open(copy), "test")


def test_what_is_written_is_read_back(run: Path, tmp_path: Path) -> None:
    kept = read_predictions(Run.open(run), "test")
    found = convscope.evaluate(run)
    assert kept.evaluation.to_dict() == found.to_dict()
    assert kept.class_names == ("ant", "bee")
    assert len(kept.hashes) == len(kept.ids) == len(kept)
    assert set(kept.hashes) <= {
        line.rsplit(",", 1)[1] for line in (run / "splits.csv").read_text().splitlines()
    }


def test_a_saved_classifier_has_no_other_checkpoint(run: Path, tmp_path: Path) -> None:
    saved = convscope.load(run).save(tmp_path / "model")
    with pytest.raises(RunError, match="no checkpoint 'best'"):
        convscope.load(saved, "best")


def test_answers_that_are_no_numbers_are_not_given(
    run: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would come as `nan` with a class beside it, and as JSON that nobody can read."""
    classifier = convscope.load(run)
    with torch.no_grad():
        next(iter(classifier.network.parameters())).fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"00\.png"):
        classifier.predict(photos / "ant")
    saved = classifier.save(tmp_path / "model")
    for form in ("--json", "--csv"):
        assert command(["predict", str(saved), str(photos / "ant"), form]) == 4
        assert "not a finite number" in capsys.readouterr().err


def test_more_pixels_than_in_training_are_read_where_asked_for(
    run: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = convscope.load(run).reading_up_to(50).save(tmp_path / "small")
    assert command(["predict", str(small), str(photos / "ant")]) == 3
    assert command(["predict", str(small), str(photos / "ant"), "--max-pixels", "100", "--json"]) == 0
    capsys.readouterr()
    assert command(["evaluate", str(small), str(photos), "--max-pixels", "100", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["accuracy"]["n"] == 28
    assert command(["evaluate", str(small), str(photos), "--max-pixels", "0"]) == 2
    assert command(["evaluate", str(run), "--max-pixels", "100"]) == 2
    assert "convscope evaluate" in capsys.readouterr().err


def test_mirrored_answers_of_a_regression_are_shown(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{path},{n}" for n, path in enumerate(sorted(photos.rglob("*.png")))]
    (tmp_path / "ages.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    run = convscope.train(tmp_path / "ages.csv", task="regression", runs=tmp_path / "runs", **SETTINGS).path
    assert command(["evaluate", str(run), "--test-time-augmentation"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mirrored")]
    assert "95 % interval" in line


def test_a_regression_says_which_way_it_is_off_only_where_it_knows() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=50).astype(np.float32)
    ids = [str(n) for n in range(50)]
    noise = generator.normal(size=50).astype(np.float32)
    balanced = evaluate_regression(truth + noise - noise.mean(), truth, ids)
    assert "on the whole" not in str(balanced)
    high = evaluate_regression(truth + noise + 2, truth, ids)
    assert "too high on the whole" in str(high)
    low, above = high.root_mean_squared_error_interval
    assert low < high.root_mean_squared_error < above
    document = json.loads(json.dumps(high.to_dict(), allow_nan=False))
    assert document["mean_error_interval"][0] > 1


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e6])
def test_half_a_unit_is_spoken_of_for_counts_alone(scale: float) -> None:
    truth = (np.arange(20) * scale + 0.25 * scale).astype(np.float32)
    found = evaluate_regression(truth * 1.1, truth, [str(n) for n in range(20)])
    if scale == 1e6:
        assert found.within_half is not None, "250,000 and 1,250,000 are whole numbers"
        return
    assert found.within_half is None
    assert found.to_dict()["within_half"] is None
    assert "0.5" not in str(found).replace("0.5e", "")
    assert " 0 " not in str(found)


def test_a_regression_of_tiny_targets_learns_their_spread(photos: Path, tmp_path: Path) -> None:
    """Targets of about 1e-9: a floor under their deviation would leave every answer at the mean."""
    rows = [f"{path},{(1 + (path.parent.name == 'bee')) * 1e-9}" for path in sorted(photos.rglob("*.png"))]
    (tmp_path / "farads.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    run = convscope.train(tmp_path / "farads.csv", task="regression", runs=tmp_path / "runs", **SETTINGS).path
    classifier = convscope.load(run)
    assert classifier.target.std == pytest.approx(0.5e-9, rel=0.1)
    values = [prediction.value for prediction in classifier.predict(photos)]
    assert 0.1e-9 < float(np.std(values)) < 10e-9
    assert all(float(p.class_name) != 0 for p in classifier.predict(photos))


def test_numbers_all_alike_are_nothing_to_learn_but_can_be_judged(photos: Path, tmp_path: Path) -> None:
    """As one class alone is. A network that learned others may well be asked about them."""

    def table(name: str, number: str) -> Path:
        lines = [f"{path},{number.format(n)}" for n, path in enumerate(sorted(photos.rglob("*.png")))]
        (tmp_path / name).write_text("path,label\n" + "\n".join(lines) + "\n")
        return tmp_path / name

    alike = table("alike.csv", "7.5")
    with pytest.raises(DataError, match=r"one number only \(7\.5\), for 28 images"):
        convscope.train(alike, task="regression", runs=tmp_path / "runs", **SETTINGS)
    run = convscope.train(table("n.csv", "{}.5"), task="regression", runs=tmp_path / "runs", **SETTINGS)
    assert convscope.evaluate(run, alike).mean_absolute_error.n == 28
