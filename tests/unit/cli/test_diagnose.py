"""`convscope diagnose`: runs, experiments, and what a build makes of it."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

BAD_START = """
[data]
source = "{source}"
[network]
name = "two-conv"
initialiser = "normal"
initial_std = 2.0
[training]
optimizer = "sgd"
learning_rate = 1e-7
steps = 3
"""


def test_an_experiment_is_diagnosed_before_any_training(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD_START.format(source=photos))
    made = convscope("diagnose", file, "--untrained", "--json")
    assert made.code == 0
    document = made.document
    first = document["findings"][0]
    assert set(first) >= {"name", "kind", "severity", "sentence", "evidence", "advice"}
    assert (first["name"], first["kind"]) == ("signal-explodes", "signal")
    assert {each["name"] for each in document["skipped"]} >= {"limits", "answers"}
    assert all(each["reason"] for each in document["skipped"])
    assert not list(tmp_path.glob("runs*"))

    shown = convscope("diagnose", file, "--fail-on", "warning")
    assert shown.code == 1
    assert "--initialiser he" in shown.out


def test_a_run_is_diagnosed_and_its_report_opens_with_it(
    tmp_path: Path, trained: Path, convscope: Callable[..., Any]
) -> None:
    run = copytree(trained, tmp_path / "run")
    made = convscope("diagnose", run, "--json")
    document = made.document
    assert not document["untrained"]
    assert {each["name"] for each in document["passed"]} >= {"signal", "start"}
    report = (run / "report.html").read_text()
    assert "asked without a finding" in report
    assert convscope("report", run).code == 0
    assert "asked without a finding" in (run / "report.html").read_text()


def test_what_few_images_cannot_tell_is_a_note(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    """What `train` ends with is not forgotten by a diagnosis, though no test holds it of so few images."""
    few = ("--network", "linear", "--steps", "1", "--learning-rate", "1e-9", "--threads", "1")
    trained = convscope("train", photos, *few, "--runs", tmp_path, "--name", "run", "--json").document
    facts = {each["name"] for each in trained["findings"]}
    assert facts & {"no-better", "one-answer", "never-answered"}
    found = convscope("diagnose", tmp_path / "run", "--json").document
    notes = {each["name"]: each for each in found["findings"]}
    assert facts <= set(notes)
    shown = convscope("diagnose", tmp_path / "run").out
    assert notes[next(iter(facts))]["sentence"] in " ".join(shown.split())


def test_a_run_is_diagnosed_from_its_start_without_touching_it(
    tmp_path: Path, trained: Path, convscope: Callable[..., Any]
) -> None:
    run = copytree(trained, tmp_path / "run")
    before = sorted(path.name for path in run.iterdir())
    document = convscope("diagnose", run, "--untrained", "--json").document
    assert document["untrained"]
    assert sorted(path.name for path in run.iterdir()) == before


def test_what_is_no_run_is_refused(tmp_path: Path, convscope: Callable[..., Any]) -> None:
    (tmp_path / "a.txt").write_text("")
    assert "neither a run nor" in convscope("diagnose", tmp_path / "a.txt").message[0]
    assert convscope("diagnose", tmp_path / "a.txt").code == 2
    assert convscope("diagnose", tmp_path / "none").code == 1
    assert convscope("diagnose", tmp_path / "none.toml").code == 2


def test_a_training_that_diverged_is_no_sound_run(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    rate = ("--optimizer", "sgd", "--learning-rate", "1e20")
    settings = ("--network", "two-conv", *rate, "--steps", "40", "--threads", "1")
    assert convscope("train", photos, "--runs", tmp_path, "--name", "lost", *settings).code == 4
    made = convscope("diagnose", tmp_path / "lost", "--json", "--fail-on", "note")
    assert made.code == 1
    assert {"nothing-kept", "unfinished"} & {finding["name"] for finding in made.document["findings"]}


def test_numbers_and_folds_are_diagnosed_too(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    few = ("--network", "linear", "--steps", "3", "--threads", "1", "--runs", tmp_path)
    table = tmp_path / "ages.csv"
    rows = [f"{path},{number % 7}" for number, path in enumerate(sorted(photos.rglob("*.png")))]
    table.write_text("\n".join(["path,label", *rows]))
    assert convscope("train", table, "--task", "regression", "--name", "number", *few).code == 0
    number = convscope("diagnose", tmp_path / "number", "--json").document
    assert {each["reason"] for each in number["skipped"]} >= {
        "the network answers with a number, not with a class"
    }
    assert convscope("train", photos, "--folds", "2", "--name", "folds", *few).code == 0
    folds = convscope("diagnose", tmp_path / "folds", "--json").document
    assert {each["name"] for each in folds["passed"] + folds["findings"]} & {"answers"}


def test_what_needs_a_run_says_so_of_an_experiment(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD_START.format(source=photos))
    for flags in (("--try",), ("--learning-curve",)):
        refused = convscope("diagnose", file, *flags)
        assert refused.code == 2
        assert "train first" in refused.err
    assert convscope("diagnose", file, "--seeds", "3").code == 2


def test_a_bad_start_is_stopped_by_the_guard_and_trained_without_it(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD_START.format(source=photos))
    stopped = convscope("train", file, "--runs", tmp_path, "--guard", "--threads", "1")
    assert stopped.code == 4
    assert "before the first step: the values explode" in stopped.err
    resumed = convscope("train", "--resume", tmp_path / "bad-1", "--guard")
    assert resumed.code == 2
    assert "leave --guard out" in resumed.err
