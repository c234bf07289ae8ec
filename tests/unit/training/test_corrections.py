"""A run on corrected labels: what it keeps, and that it is judged by the old labels and the new."""

import csv
import shutil

import pytest

import convscope
from convscope.classifier.classifier import Classifier
from convscope.evaluation.corrected import read_log
from convscope.evaluation.evaluating import evaluate_path, load_own_data
from convscope.runs.folder import Run


@pytest.fixture
def corrected(train, bands, tmp_path):
    """A run of which one test label is changed and one test image left out; and those two."""
    plain = train(name="plain")
    with (plain.path / "splits.csv").open(encoding="utf-8") as file:
        first, second, *_ = [line for line in csv.DictReader(file) if line["split"] == "test"]
    table = tmp_path / "table.csv"
    new = next(name for name in "abc" if name != first["class"])
    lines = [f"{first['path']},{first['class']},{new}", f"{second['path']},{second['class']},remove"]
    table.write_text("\n".join(["path,old,new", *lines]), encoding="utf-8")
    return train(name="corrected", corrections=str(table)), plain, first, second


def test_both_figures_are_in_the_summary_and_what_was_corrected_in_the_data(corrected):
    run, plain, first, second = corrected
    found = run.summary()["corrections"]
    assert found["test"] == {"changed": 1, "removed": 1}
    assert found["train"] == {"changed": 0, "removed": 0}
    figures = found["figures"]
    assert (figures["changed"], figures["removed"]) == (1, 1)
    assert figures["as_labelled"]["accuracy"]["n"] == 9
    assert figures["as_corrected"]["accuracy"] == run.summary()["test"]["accuracy"]
    assert run.summary()["test"]["accuracy"]["n"] == 8
    assert {each.id: each.new for each in read_log(run)} == {
        first["path"]: next(name for name in "abc" if name != first["class"]),
        second["path"]: None,
    }
    # Nothing but the test differs, so it is the same network, and by the old labels as good.
    assert figures["as_labelled"]["accuracy"] == plain.summary()["test"]["accuracy"]


def test_evaluate_says_both_and_a_run_without_corrections_says_nothing(corrected):
    run, plain, *_ = corrected
    measured = evaluate_path(run.path)
    assert measured.to_dict()["corrections"]["figures"] == run.summary()["corrections"]["figures"]
    judged = convscope.evaluate(run.path)
    assert judged.as_labelled.accuracy.n == 9
    assert "as labelled" in str(judged)
    assert "as labelled" in convscope.FinishedRun(run.path)._repr_html_()
    assert "corrections" not in evaluate_path(plain.path).to_dict()
    assert convscope.evaluate(plain.path).as_labelled is None
    assert "as labelled" in convscope.report(run.path).read_text(encoding="utf-8")


def test_a_run_needs_its_table_no_more(corrected, tmp_path):
    run, *_ = corrected
    (tmp_path / "table.csv").unlink()
    moved = tmp_path / "moved"
    shutil.copytree(run.path, moved)
    data = load_own_data(moved, Classifier.load(moved))
    assert len(data.corrected) == 2
    longer = convscope.resume(moved, steps=7)
    assert longer.summary["corrections"] == Run.open(moved).summary()["corrections"]
    assert longer.summary["corrections"]["figures"]["as_labelled"]["accuracy"]["n"] == 9


def test_folds_are_judged_by_both_too(train, bands, tmp_path):
    (tmp_path / "table.csv").write_text("path,old,new\na/00.png,a,b\na/01.png,a,remove\n", encoding="utf-8")
    run = train(folds=2, steps=2, corrections=str(tmp_path / "table.csv"))
    figures = run.summary()["corrections"]["figures"]
    assert figures["as_labelled"]["accuracy"]["n"] == 60
    assert figures["as_corrected"]["accuracy"]["n"] == 59
    assert evaluate_path(run.path).to_dict()["corrections"]["figures"] == figures


def test_corrections_of_training_labels_alone_have_one_figure(train, bands, tmp_path):
    plain = load_own_data(train(name="plain").path, Classifier.load(tmp_path / "runs" / "plain"))
    name = plain.train.ids[0]
    new = "b" if name.startswith("a") else "a"
    (tmp_path / "table.csv").write_text(f"path,old,new\n{name},{name[0]},{new}\n", encoding="utf-8")
    found = train(corrections=str(tmp_path / "table.csv")).summary()["corrections"]
    assert found["train"] == {"changed": 1, "removed": 0}
    assert "figures" not in found
