"""Train, look, and read what is there: every picture, its entry in the index, and the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.cli.main import run as run_command
from convscope.report.page.embed import TYPES


def index_of(run: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((run / "look" / "index.json").read_text())
    return entries


def check_pictures(run: Path) -> None:
    for entry in index_of(run):
        path = run / "look" / entry["file"]
        assert path.suffix in TYPES
        if path.suffix == ".svg":
            drawing = path.read_text()
            assert "<text" in drawing, path
            assert "<path" in drawing or "<image" in drawing, path
        else:
            with Image.open(path) as picture:
                assert len(np.unique(np.asarray(picture.convert("L")))) > 8, path
        for field in ("title", "question", "alt", "finding"):
            assert len(entry[field]) > 10, (path, field)
        assert entry["numbers"], path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    return cs.train("digits", runs=runs, network="two-conv", steps=60, threads=1).path


@pytest.mark.slow
def test_a_look_answers_every_question(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["look", str(digits), "--limit", "200", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    files = [entry["file"] for entry in index_of(digits)]
    assert [entry["file"] for entry in document["pictures"]] == files
    assert document["left_out"] == []
    assert files[0] == "filters-conv1.svg"
    assert {entry["about"] for entry in index_of(digits)} == {
        "filters",
        "maps",
        "histograms",
        "patches",
        "projection",
        "where",
        "wants",
        "plane",
    }
    check_pictures(digits)
    report = (digits / "report.html").read_text()
    assert all(entry["title"] in report for entry in index_of(digits))


def test_a_second_look_overwrites_only_its_own(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["look", str(digits), "--only", "filters,maps", "--layer", "conv1"]) == 0
    folder = digits / "look"
    (folder / "note.txt").write_text("mine")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run_command(["look", str(digits), "--only", "filters", "--layer", "conv1"]) == 0
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"filters-conv1.svg", "index.json"}
    assert {"filters-conv1.svg", "maps-conv1.svg"} <= {entry["file"] for entry in index_of(digits)}
    shown = capsys.readouterr().out
    assert "look/filters-conv1.svg" in shown
    assert "16 filters of 5×5" in shown
    assert "report.html" in shown


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--layer", "conv9"], "did you mean conv"),
        (["--only", "everything"], "it takes filters, maps"),
        (["--class", "eleven"], "there are: 0, 1, 2"),
        (["--limit", "0"], "takes 1 and up"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_is_drawn(
    digits: Path, flags: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["look", str(digits), *flags]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert expected in captured.err


def test_the_report_is_made_again_from_the_run_alone(
    digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (digits / "report.html").unlink(missing_ok=True)
    assert run_command(["report", str(digits)]) == 0
    assert "report.html" in capsys.readouterr().out
    assert (digits / "report.html").read_text().startswith("<!doctype html>")
    assert run_command(["report", str(digits.parent / "no-such-run")]) == 1


@pytest.mark.slow
def test_a_network_of_timm_on_photographs(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, hue in (("red", 0), ("blue", 2)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 120, (80, 96, 3), dtype=np.uint8)
            pixels[20:60, 20:60, hue] = 250
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    run = cs.train(
        tmp_path / "photos",
        runs=tmp_path,
        network="timm:efficientnet_lite0",
        size=64,
        steps=2,
        batch_size=8,
        threads=1,
    ).path
    assert run_command(["look", str(run)]) == 0
    check_pictures(run)
    assert (run / "report.html").stat().st_size < 10_000_000
