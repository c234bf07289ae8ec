"""A cross-validated run is judged by what its folds held out: each image once, by who had not seen it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli.main import run as command
from convscope.errors import DataError, RunError, UsageError
from convscope.evaluation.evaluating import evaluate_path
from convscope.evaluation.held_out import pool_held_out, read_held_out
from convscope.evaluation.predictions import Predictions, read_predictions
from convscope.runs.folder import Run

SETTINGS = {"network": "linear", "learning_rate": 0.02, "threads": 1, "augmentation": "none", "steps": 12}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "bands"
    for place, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True)
        for number in range(15):
            noise = np.random.default_rng([place, number]).integers(0, 120, (10, 10), np.uint8)
            noise[4 * place : 4 * place + 2] += 60
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    return convscope.train(photos, runs=runs, folds=3, repeats=2, **SETTINGS).path


def test_every_image_is_judged_once(run: Path, photos: Path) -> None:
    kept = read_predictions(Run.open(run), "test")
    paths = {str(path.relative_to(photos)) for path in photos.rglob("*.png")}
    assert sorted(kept.ids) == sorted(paths)
    assert len(set(kept.hashes)) == 30
    assert kept.folds == 3


def test_an_answer_is_that_of_the_fold_which_held_the_image_out(run: Path) -> None:
    kept = read_predictions(Run.open(run), "test")
    row_of = {name: row for row, name in enumerate(kept.ids)}
    for number in (1, 2, 3):
        fold = read_predictions(Run(run / "folds" / f"repeat-1-fold-{number}"), "test")
        rows = [row_of[name] for name in fold.ids]
        assert np.array_equal(kept.logits[rows], fold.logits)
        assert np.array_equal(kept.labels[rows], fold.labels)


def test_summary_and_evaluate_say_the_same_of_it(run: Path) -> None:
    summary = Run.open(run).read("summary.json")
    found = evaluate_path(run)
    assert summary["test"] == found.to_dict()["test"]
    assert found.evaluation.accuracy.n == 30
    assert sum(sum(row) for row in summary["test"]["confusion"]) == 30
    assert "had not seen it" in " ".join(found.notes)
    by_fold = summary["folds"]["accuracy"]["values"][:3]
    assert found.evaluation.accuracy.value == pytest.approx(np.mean(by_fold))
    assert convscope.evaluate(run).accuracy == found.evaluation.accuracy


def test_it_is_evaluated_when_its_images_are_gone(run: Path, photos: Path, tmp_path: Path) -> None:
    before = evaluate_path(run).to_dict()
    photos.rename(tmp_path / "elsewhere")
    try:
        assert evaluate_path(run).to_dict() == before
    finally:
        (tmp_path / "elsewhere").rename(photos)


def test_pictures_of_its_errors_are_kept(run: Path, photos: Path) -> None:
    kept, shown = read_predictions(Run.open(run), "test"), Run.open(run).read_arrays("predictions/images.npz")
    rows = shown["index"].tolist()
    assert set(kept.errors and [error.index for error in kept.errors][:18]) <= set(rows)
    assert set(shown["split"].tolist()) == {"test"}
    for row, pixels in zip(rows, shown["images"], strict=True):
        assert np.array_equal(pixels[:, :, 0], np.asarray(Image.open(photos / kept.ids[row])))


@pytest.mark.parametrize(
    "asked", [{"split": "validation"}, {"checkpoint": "last"}, {"test_time_augmentation": True}]
)
def test_what_only_one_classifier_could_answer_is_refused(run: Path, asked: dict) -> None:
    with pytest.raises(UsageError, match="cross-validated"):
        evaluate_path(run, **asked)


def test_other_images_are_judged_by_the_classifier_kept(run: Path, photos: Path) -> None:
    found = evaluate_path(run, str(photos))
    assert found.evaluation.accuracy.n == 30
    assert "30 of these 30 images were trained on" in " ".join(found.notes)


def test_a_run_from_before_the_pooling_is_evaluated(run: Path, tmp_path: Path) -> None:
    """The folds of such a run keep logits, labels and ids, and nothing lies in the run's own predictions."""
    old = shutil.copytree(run, tmp_path / "old", symlinks=True)
    (old / "predictions" / "test.npz").unlink()
    for path in old.glob("folds/*/predictions/test.npz"):
        with np.load(path) as arrays:
            plain = {name: arrays[name] for name in ("logits", "labels", "ids")}
        np.savez_compressed(path, **plain)
    assert evaluate_path(old).to_dict()["test"] == evaluate_path(run).to_dict()["test"]
    assert sorted(read_held_out(Run.open(old)).hashes) == sorted(read_held_out(Run.open(run)).hashes)


def test_a_regression_is_pooled_too(photos: Path, tmp_path: Path) -> None:
    rows = [
        f"{photos}/{p.parent.name}/{p.name},{1.5 * n}" for n, p in enumerate(sorted(photos.rglob("*.png")))
    ]
    (tmp_path / "ages.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    path = convscope.train(
        tmp_path / "ages.csv", task="regression", runs=tmp_path / "runs", folds=2, **SETTINGS
    ).path
    assert convscope.evaluate(path).mean_absolute_error.n == 30


def test_folds_of_other_classes_are_not_pooled() -> None:
    def of(*names: str) -> Predictions:
        return Predictions(
            split="test",
            logits=np.zeros((1, 2), np.float32),
            labels=np.zeros(1),
            ids=("a",),
            class_names=names,
        )

    with pytest.raises(DataError):
        pool_held_out([of("a", "b"), of("b", "a")])
    with pytest.raises(DataError):
        pool_held_out([])


def test_the_command_line_calls_it_held_out_and_names_what_was_left_out(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(photos, tmp_path / "bands")
    (folder / "ant" / "torn.png").write_bytes(b"\x89PNG")
    run = convscope.train(folder, runs=tmp_path / "runs", folds=2, **SETTINGS).path
    capsys.readouterr()
    assert command(["evaluate", str(run)]) == 0
    said = capsys.readouterr().out
    assert "held out" in said
    assert "ant/torn.png (cut short)" in said
    assert command(["evaluate", str(run), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["test"]["accuracy"]["n"] == 30
    assert [entry["path"] for entry in document["quarantined"]] == ["ant/torn.png"]


def test_it_is_evaluated_without_its_folds_and_an_unfinished_one_is_named(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy", symlinks=True)
    shutil.rmtree(copy / "folds")
    assert evaluate_path(copy).evaluation.to_dict() == evaluate_path(run).evaluation.to_dict()
    (copy / "predictions" / "test.npz").unlink()
    with pytest.raises(RunError, match="fold 1 of 3 has not been judged"):
        evaluate_path(copy)


def test_the_report_is_made_of_what_was_held_out(run: Path) -> None:
    from convscope.report.page.material import read_material

    judged = read_material(run).judged
    assert judged is not None
    assert judged.accuracy == convscope.evaluate(run).accuracy
    assert judged.confusion.counts.sum() == 30
