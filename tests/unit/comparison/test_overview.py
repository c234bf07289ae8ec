"""A folder of runs, a line each: read once, read again where something changed, seeds as one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from convscope.comparison import overview
from convscope.comparison.overview import Overview, read_group, read_listed
from convscope.runs.folder import Run
from convscope.runs.records import append_record, truncate_records
from convscope.runs.standing import note_divergence


def accuracy(value: float, n: int = 750) -> dict[str, Any]:
    return {"accuracy": {"value": value, "n": n, "interval": [value - 0.01, min(1.0, value + 0.01)]}}


def make(path: Path, test: float | None = None, *, when: int = 0, epochs: int = 4) -> Run:
    path.mkdir(parents=True)
    run = Run(path)
    config = {"data": {"source": "/x/photos"}, "network": {"name": "linear"}, "training": {"epochs": epochs}}
    run.write("config.json", config)
    os.utime(path / "config.json", (1_700_000_000 + when, 1_700_000_000 + when))
    if test is not None:
        run.write(
            "summary.json",
            {"network": "linear", "steps": 9, "seconds": {"total": 3.0}, "per": "x" * 99}
            | {"test": accuracy(test)},
        )
    return run


def test_runs_and_groups_are_listed_by_when_they_began(tmp_path: Path) -> None:
    make(tmp_path / "late", 0.9, when=9)
    make(tmp_path / "early", 0.8, when=1)
    for seed in (0, 1, 10):
        make(tmp_path / "seeds" / f"seed-{seed}", 0.90 + seed / 100, when=5)
    found = Overview(tmp_path).listed()
    assert [each.path.name for each in found] == ["early", "seeds", "late"]
    group = found[1]
    assert [each.path.name for each in group.members] == ["seed-0", "seed-1", "seed-10"]
    assert (group.seeds, group.standing, group.seconds) == (3, "done", 9.0)
    name, figure = group.figure("test") or ("", {})
    assert name == "accuracy"
    assert figure["value"] == pytest.approx((0.90 + 0.91 + 1.0) / 3)
    low, high = figure["interval"]
    assert low < figure["value"] < high  # Student's t over three seeds
    assert group.score("test") == figure["value"]


def test_an_overview_tells_what_a_fresh_look_tells(tmp_path: Path) -> None:
    make(tmp_path / "a", 0.9)
    make(tmp_path / "seeds" / "seed-0", 0.9)
    make(tmp_path / "seeds" / "seed-1")
    found = {each.path.name: each for each in Overview(tmp_path).listed()}
    for name, fresh in (("a", read_listed(tmp_path / "a")), ("seeds", read_group(tmp_path / "seeds"))):
        assert (found[name].figure("test"), found[name].standing) == (fresh.figure("test"), fresh.standing)
    assert found["seeds"].standing == "stopped"
    assert found["seeds"].seeds == 1


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make(tmp_path / f"run-{number}", 0.9)
    whole = Overview(tmp_path)
    whole.listed()
    read: list[str] = []
    real = overview.read_listed
    monkeypatch.setattr(overview, "read_listed", lambda path: read.append(path.name) or real(path))
    whole.listed()
    assert read == []
    Run(tmp_path / "run-2").write("summary.json", {"network": "linear", "steps": 10, "test": accuracy(0.5)})
    [changed] = [each for each in whole.listed() if each.score("test") == 0.5]
    assert read == [changed.path.name] == ["run-2"]


def test_a_run_on_its_way_says_how_far_it_is(tmp_path: Path) -> None:
    run, whole = make(tmp_path / "a", epochs=4), Overview(tmp_path)
    assert whole.listed()[0].progress is None
    append_record(run.metrics_path, {"step": 5, "epoch": 1.0, "split": "validation", "accuracy": 0.7})
    append_record(run.metrics_path, {"step": 6, "epoch": 1.2, "split": "batch", "accuracy": 0.8})
    [found] = whole.listed()
    assert found.progress == pytest.approx(0.3)
    assert found.validation is not None
    assert found.validation["accuracy"] == 0.7
    truncate_records(run.metrics_path, 5)
    append_record(run.metrics_path, {"step": 6, "epoch": 1.1, "split": "batch", "accuracy": 0.9})
    [found] = whole.listed()
    assert found.last is not None
    assert (found.last["epoch"], found.progress) == (1.1, pytest.approx(0.275))


def test_a_run_that_diverged_says_why_and_one_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    run, whole = make(tmp_path / "a"), Overview(tmp_path)
    note_divergence(run, "training diverged at step 3")
    [found] = whole.listed()
    assert (found.standing, found.why) == ("diverged", "training diverged at step 3")
    (run.path / "config.json").unlink()
    assert whole.listed() == []


@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff", b'{"data": 3, "training": [], "network": null}'])
def test_a_damaged_run_does_not_hide_the_others(tmp_path: Path, damage: bytes) -> None:
    make(tmp_path / "whole", 0.9, when=5)
    make(tmp_path / "damaged", 0.9).write_bytes("config.json", damage)
    make(tmp_path / "cut", when=9).write_bytes("summary.json", damage)
    (tmp_path / "cut" / "metrics.jsonl").write_bytes(damage)
    found = {each.path.name: each.standing for each in Overview(tmp_path).listed()}
    assert found == {"whole": "done", "damaged": "done", "cut": "damaged"}


def test_folds_stand_for_the_test(tmp_path: Path) -> None:
    run = make(tmp_path / "a", 0.9)
    folds = {"folds": 3, "repeats": 1, **accuracy(0.8, n=3)}
    run.write("summary.json", json.loads((run.path / "summary.json").read_text()) | {"folds": folds})
    assert read_listed(run.path).score("test") == 0.8
    for found in (read_listed(run.path), *Overview(tmp_path).listed()):
        name, figure = found.figure("test") or ("", {})
        assert (name, figure["value"], figure["n"]) == ("accuracy", 0.8, 750)  # images, not folds
