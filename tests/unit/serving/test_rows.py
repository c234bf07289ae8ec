"""The list of runs: what a line says, what finds it, and what is told to a page that follows it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from convscope.evaluation.proportion import MeanOverRuns
from convscope.runs.folder import Run
from convscope.runs.records import append_record
from convscope.runs.standing import note_divergence
from convscope.serving import journal as journals
from convscope.serving.journal import Journal
from convscope.serving.pages.rows import chosen, lines_of, lowest
from convscope.serving.workbench import Workbench


def make(path: Path, correct: int | None = None, *, when: int = 0, data: str = "photos") -> Run:
    path.mkdir(parents=True)
    run = Run(path)
    run.write("config.json", {"data": {"source": f"/x/{data}"}, "network": {"name": "linear"}})
    os.utime(path / "config.json", (1_700_000_000 + when, 1_700_000_000 + when))
    if correct is not None:
        accuracy = {
            "value": correct / 750,
            "n": 750,
            "interval": [correct / 750 - 0.02, correct / 750 + 0.01],
        }
        run.write(
            "summary.json",
            {"network": "linear", "steps": 9, "seconds": {"total": 70.0}, "test": {"accuracy": accuracy}},
        )
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "größte", 740, when=1)
    make(tmp_path / "数字", 600, when=2, data="digits")
    for seed in (0, 1):
        make(tmp_path / "seeds" / f"seed-{seed}", 700 + seed, when=3)
    append_record(
        make(tmp_path / "half", when=4).metrics_path,
        {"step": 1200, "epoch": 0.5, "split": "validation", "accuracy": 0.5, "images": 750},
    )
    note_divergence(make(tmp_path / "bad", when=5), "training diverged at step 3: the loss is nan.\nTry less")
    return tmp_path


def names(found: Any) -> list[str]:
    return [line.name for line in found]


def test_a_line_says_how_good_how_sure_and_how_it_stands(folder: Path) -> None:
    lines = {line.name: line for line in lines_of(Workbench(folder))}
    good, seeds, half, bad = (lines[name] for name in ("größte", "seeds", "half", "bad"))
    assert (good.figure, good.interval, good.of, good.state) == (
        "98.7 %",
        "96.7–99.7",
        "test, 750 images",
        "done",
    )
    assert good.address == "/runs/gr%C3%B6%C3%9Fte"
    assert seeds.of == "test, mean of 2 seeds"
    assert seeds.address == ""
    assert [line.id for line in seeds.lines] == ["seeds~seed-0", "seeds~seed-1"]
    assert seeds.span is not None
    assert seeds.span[1] < seeds.span[0] < seeds.span[2]
    assert (half.figure, half.of, half.notes, half.state) == (
        "50.0 %",
        "validation, so far",
        "step 1,200",
        "stopped",
    )
    assert bad.notes == "training diverged at step 3: the loss is nan."
    assert not half.can_be_compared
    assert seeds.can_be_compared


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.9, 0.92, 0.94, 0.92, 0.92), ("92.0 %", "89.4–94.6")),
        ((0.95,) * 5, ("95.0 %", "")),
    ],
)
def test_a_cross_validated_run_says_how_many_images_were_held_out(
    tmp_path: Path, values: tuple[float, ...], said: tuple[str, str]
) -> None:
    run = make(tmp_path / "folded", 700)
    mean = MeanOverRuns.of_folds(values, 5, is_share=True).to_dict()
    folds = {"accuracy": mean, "folds": 5, "repeats": 1}
    run.write("summary.json", run.read("summary.json") | {"folds": folds})
    make(tmp_path / "worse", 600)
    better, _ = chosen(lines_of(Workbench(tmp_path)), sort="accuracy")
    assert (better.name, better.of) == ("folded", "of 750 images held out")
    assert (better.figure, better.interval) == said
    assert (better.span is None) == (not better.interval)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["bad", "half", "seeds", "数字", "größte"]),
        ({"sort": "accuracy"}, ["größte", "seeds", "数字", "bad", "half"]),
        ({"sort": "name"}, ["bad", "größte", "half", "seeds", "数字"]),
        ({"words": "GRÖSSTE"}, ["größte"]),
        ({"words": "Größ photos"}, ["größte"]),
        ({"words": "seed-1"}, ["seeds"]),
        ({"state": "diverged"}, ["bad"]),
        ({"state": "done", "words": "数"}, ["数字"]),
        ({"sort": "nonsense", "words": "linear", "state": "stopped"}, ["half"]),
    ],
)
def test_lines_are_found_and_sorted(folder: Path, asked: dict[str, str], expected: list[str]) -> None:
    assert names(chosen(lines_of(Workbench(folder)), **asked)) == expected


def test_the_scale_begins_a_tenth_below_what_there_is(folder: Path) -> None:
    lines = lines_of(Workbench(folder))
    assert lowest(lines) == 0.7  # 600 of 750 and its interval
    assert lowest([]) == 0.0


def test_a_journal_tells_what_changed_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "FRESH", 0.0)
    journal = Journal(Workbench(folder))
    lines, version = journal.lines()
    assert len(lines) == 5
    assert not journal.changes(version)
    make(folder / "new", 741, when=9)
    append_record(Run(folder / "half").metrics_path, {"step": 1300, "split": "batch"})
    (folder / "bad" / "config.json").unlink()
    changes = journal.changes(version)
    assert {line.name for line in changes.lines} == {"new", "half"}
    assert changes.gone == ("bad",)
    assert not journal.changes(changes.version)
    assert len(journal.changes("of-another-server").lines) == len(journal.changes("").lines) == 5


def events(stream: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_page_that_follows_the_list_is_sent_the_line_that_is_new(folder: Path, serve: Any) -> None:
    address = serve(folder)
    version = httpx.get(address).text.partition('data-version="')[2].partition('"')[0]
    make(folder / "<b>late", 745, when=99)
    with httpx.stream("GET", f"{address}/api/v1/live", params={"since": version}, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name, document = next(events(stream))
    assert name == "rows"
    [row] = document["rows"]
    assert row["id"] == "<b>late"
    assert "99.3 %" in row["html"]
    assert "<b>" not in row["html"]


def test_a_page_that_follows_a_run_is_sent_its_records_and_its_end(folder: Path, serve: Any) -> None:
    address, run = serve(folder), Run(folder / "half")
    append_record(run.metrics_path, {"step": 1300, "split": "batch", "loss": float("nan"), "epoch": 0.6})
    with httpx.stream("GET", f"{address}/api/v1/runs/half/live", timeout=60) as stream:
        told = events(stream)
        first, standing = next(told), next(told)
        append_record(run.metrics_path, {"step": 1400, "split": "batch", "loss": 1.0, "epoch": 0.7})
        second = next(told)
    assert [record["step"] for record in first[1]["records"]] == [1200, 1300]
    assert first[1]["records"][1]["loss"] is None
    assert standing == ("standing", {"standing": "stopped", "before": ""})
    assert second[1]["records"] == [{"step": 1400, "split": "batch", "loss": 1.0, "epoch": 0.7}]
    assert httpx.get(f"{address}/api/v1/runs/none/live").status_code == 404
