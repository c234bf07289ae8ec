"""`runs`: what was trained, how well; sorted, filtered, and never wider than the screen."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convscope.cli import run_list
from convscope.evaluation.proportion import MeanOverRuns

Convscope = Callable[..., Any]


def make_run(parent: Path, name: str, *, data: str, correct: int | None, age: int) -> None:
    path = parent / name
    path.mkdir(parents=True)
    config = {"data": {"source": f"/elsewhere/{data}"}, "network": {"name": "two-conv"}}
    (path / "config.json").write_text(json.dumps(config))
    (path / "dataset.json").write_text(json.dumps({"name": data}))
    os.utime(path / "config.json", (1_700_000_000 - age, 1_700_000_000 - age))
    if correct is not None:
        accuracy = {"value": correct / 750, "n": 750, "correct": correct, "interval": [0.9, 0.99]}
        figures = {"accuracy": accuracy}
        summary = {"network": "two-conv", "steps": 9, "seconds": {"total": 70.0 + correct}}
        (path / "summary.json").write_text(json.dumps(summary | {"validation": figures, "test": figures}))


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    make_run(tmp_path, "old", data="photos", correct=700, age=900)
    make_run(tmp_path, "best", data="digits", correct=740, age=600)
    make_run(tmp_path, "half", data="photos", correct=None, age=300)
    return tmp_path


def names(done: Any) -> list[str]:
    return [Path(run["run"]).name for run in done.document["runs"]]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ["old", "best", "half"]),
        (["--sort", "test"], ["best", "old", "half"]),
        (["--sort", "time"], ["old", "best", "half"]),
        (["--sort", "name"], ["best", "half", "old"]),
        (["--data", "PHOTO"], ["old", "half"]),
        (["--state", "finished", "--data", "photos"], ["old"]),
        (["--state", "unfinished"], ["half"]),
        (["--network", "vgg"], []),
    ],
)
def test_runs_are_sorted_and_filtered(
    convscope: Convscope, parent: Path, flags: list[str], expected: list[str]
) -> None:
    done = convscope("runs", parent, *flags, "--json")
    assert done.code == 0
    assert names(done) == expected


def test_a_line_says_on_what_how_well_how_sure_and_when(convscope: Convscope, parent: Path) -> None:
    head, *lines = convscope("runs", parent).out.splitlines()
    for column in ("data", "network", "validation", "test", "95 % interval", "time", "when", "state"):
        assert column in head
    best = next(line for line in lines if "best" in line)
    for said in ("digits", "two-conv", "98.7 %", "90.0–99.0", "13 min 30 s", "2023-11-14", "finished"):
        assert said in best
    assert "not finished" in next(line for line in lines if "half" in line)


def test_folds_that_are_all_alike_have_no_interval_and_hide_no_other_run(
    convscope: Convscope, parent: Path
) -> None:
    make_run(parent, "folded", data="photos", correct=700, age=0)
    summary = json.loads((parent / "folded" / "summary.json").read_text())
    mean = MeanOverRuns.of_folds((0.9375,) * 5, 5, is_share=True)
    folds = {"accuracy": mean.to_dict(), "folds": 5, "repeats": 1}
    (parent / "folded" / "summary.json").write_text(json.dumps(summary | {"folds": folds}))
    done = convscope("runs", parent)
    assert done.code == 0
    *others, line = done.out.splitlines()
    assert "93.8 %" in line  # of 750 images held out, not of 5
    assert "90.0–99.0" in others[-2]


def test_none_of_them_is_not_the_same_as_none(convscope: Convscope, parent: Path, tmp_path: Path) -> None:
    assert "none of the 3 runs" in convscope("runs", parent, "--data", "cats").out
    (tmp_path / "empty").mkdir()
    assert "Make one with" in convscope("runs", tmp_path / "empty").out


def test_a_folder_that_is_not_there_is_no_empty_one(convscope: Convscope, tmp_path: Path) -> None:
    outcome = convscope("runs", tmp_path / "nosuch")
    assert (outcome.code, outcome.out) == (1, "")
    assert "nosuch does not exist" in outcome.err


def test_a_sort_that_there_is_not_is_refused(convscope: Convscope, parent: Path) -> None:
    assert convscope("runs", parent, "--sort", "colour").code == 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_narrow_screen_columns_are_left_out_and_named(
    parent: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(run_list, "result_console", lambda: console)
    monkeypatch.chdir(parent)
    run_list.runs(Path())
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "90.0–99.0" in text
    assert ("left out" in text) == (width < 120)
