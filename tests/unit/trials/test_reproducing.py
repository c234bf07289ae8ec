"""What `convscope reproduce` makes of an experiment, on one that takes a second."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.cli.main import run
from convscope.config.reference import Figure
from convscope.evaluation.predictions import read_predictions, write_predictions
from convscope.runs.folder import Run
from convscope.trials.cards.card import add_card, read_card
from convscope.trials.cards.figures import Measured, Pooled
from convscope.trials.cards.verdicts import Verdict
from convscope.trials.reproducing.measuring import Trained, measure

TOML = """
[data]
source = "counting:1-2?images=40&size=32&view=1.25"
[preprocessing]
centre = "none"
scale = false
[augmentation]
preset = "none"
[network]
name = "linear"
[training]
optimizer = "sgd"
learning_rate = 0.01
batch_size = 16
steps = 6
schedule = "constant"
weight_decay = 0.0
label_smoothing = 0.0
precision = "float32"
[reference]
source = "E0"
shows = "a line"
says = "half of them, and nothing of the others"
figures = [
    { value = 0.5, images = 12 },
    { value = 0.5, images = 12, at_step = 0 },
    { split = "train" },
    { kind = "difference", split = "train", minus = "test" },
    { kind = "difference", of = "optimizer running", minus = "test" },
    { kind = "count", shown = 9, value = 1, to = 2 },
    { kind = "seconds", value = 60, label = "seconds of training" },
    { kind = "loss" },
    { split = "validation", first = 5 },
]
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the experiment was reproduced once, with one seed."""
    folder = tmp_path_factory.mktemp("done")
    (folder / "line.toml").write_text(TOML)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["reproduce", "line.toml", "--results", "cards", "--seeds", "1"]) == 0
    return folder


@pytest.fixture
def here(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to change."""
    shutil.copytree(done, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reproduce(*words: str) -> int:
    return run(["reproduce", "line.toml", "--results", "cards", "--seeds", "1", *words])


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "cards/line").glob("*.json").__next__().read_text())
    return card


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_experiment_leaves_a_card(done: Path) -> None:
    card = card_of(done)
    assert (card["experiment"], card["source"], card["seeds"]) == ("line", "E0", [0])
    assert len(card["data"]["fingerprint"]) >= 16
    assert len(card["configuration"]["sha256"]) == 64
    assert "seed" not in card["configuration"]["values"]
    assert str(done) not in json.dumps(card)  # it is shown to others
    assert None not in card["figures"]["test accuracy"]["seeds"][0].values()
    read = read_card(next((done / "cards/line").glob("*.json")))
    assert json.loads(json.dumps(read.to_dict())) == card


def test_a_loss_is_of_the_answers_as_training_left_them(done: Path, tmp_path: Path) -> None:
    """No source divided its class scores by a temperature that was fitted afterwards."""
    copy = Run.open(shutil.copytree(done / "runs/reproduce/line/seed-0", tmp_path / "run"))
    loss = (Figure(kind="loss"),)
    [before] = measure(Trained(copy, lambda _: None), loss).values()
    answers, summary = read_predictions(copy, "test"), copy.read("summary.json")
    was = (summary.get("temperature") or {}).get("value", 1.0)
    write_predictions(copy, dataclasses.replace(answers, logits=answers.logits / np.float32(4)))
    copy.write("summary.json", summary | {"temperature": {"value": 4 * was}})
    [after] = measure(Trained(copy, lambda _: None), loss).values()
    assert after.value == pytest.approx(before.value, rel=1e-5)


def test_every_figure_that_was_asked_for_is_on_it(done: Path) -> None:
    figures = card_of(done)["figures"]
    assert list(figures) == [
        "test accuracy",
        "test accuracy at step 0",
        "train accuracy",
        "train accuracy minus test accuracy",
        "test accuracy with the optimizer running minus test accuracy",
        "answer to 9 circles",
        "seconds of training",
        "test loss",
        "validation accuracy of 5 images",
    ]
    assert figures["train accuracy"]["images"] == 56
    gap = figures["train accuracy"]["value"] - figures["test accuracy"]["value"]
    assert figures["train accuracy minus test accuracy"]["value"] == pytest.approx(gap)
    assert figures["answer to 9 circles"]["verdict"] == "agrees"  # it knows of 1 and 2 alone
    assert figures["seconds of training"]["verdict"] == "not comparable"
    assert figures["test loss"]["verdict"] == "no figure"
    followed = figures["validation accuracy of 5 images"]["seeds"][0]["course"]
    assert followed[-1]["step"] == 6
    assert followed[-1]["low"] <= followed[-1]["value"] <= followed[-1]["high"]


def test_what_is_there_is_used_and_the_same_card_is_not_left_twice(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (here / "runs/reproduce/line/seed-0/summary.json").stat().st_mtime_ns
    assert reproduce("--json") == 0
    found = json.loads(capsys.readouterr().out)["experiments"][0]
    assert {"name", "reported", "measured", "verdict", "seconds"} <= found.keys()
    assert (found["name"], found["reported"], found["measured"]["images"]) == ("line", 0.5, 12)
    assert len(list((here / "cards/line").iterdir())) == 1
    assert (here / "runs/reproduce/line/seed-0/summary.json").stat().st_mtime_ns == before


def test_another_training_that_lies_there_is_not_used(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(here / "line.toml", "learning_rate = 0.01", "learning_rate = 0.02")
    assert reproduce() == 1
    said = capsys.readouterr().err
    assert "holds another training: training.learning_rate is 0.01, not 0.02" in said
    assert "--runs FOLDER" in said


def test_a_run_of_other_images_is_not_used(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stood on the card as if it had been trained on those that were asked for."""
    other = "counting:1-2?images=40&size=32&view=1.25&seed=7"
    assert reproduce("--source", other) == 1
    said = capsys.readouterr().err
    assert f"learned from other images than {other} has now" in said
    assert len(list((here / "cards/line").iterdir())) == 1


def test_how_often_it_was_saved_makes_no_other_training(here: Path) -> None:
    change(here / "line.toml", "steps = 6", "steps = 6\ncheckpoint_every = 2\nthreads = 1")
    assert reproduce() == 0


def test_an_interrupted_one_goes_on(here: Path) -> None:
    """As a run that was stopped after its last step, before it was judged."""
    path = here / "runs/reproduce/line/seed-0"
    before = json.loads((path / "summary.json").read_text())["test"]
    (path / "summary.json").unlink()
    (path / "reproduction.json").unlink()
    shutil.rmtree(here / "cards")
    assert reproduce() == 0
    assert json.loads((path / "summary.json").read_text())["test"] == before
    assert card_of(here)["figures"]["train accuracy"]["images"] == 56


def test_what_took_long_is_measured_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("convscope.trials.reproducing.measuring.right_while_training", refuse)
    monkeypatch.setattr("convscope.trials.reproducing.measuring.load_own_data", refuse)
    assert reproduce() == 0


def test_measuring_as_the_source_did_leaves_the_run_as_it_was(done: Path) -> None:
    from convscope.runs.folder import Run
    from convscope.trials.reproducing.measured_wrongly import right_while_training

    run_path = done / "runs/reproduce/line/seed-0"
    before = {path: path.read_bytes() for path in run_path.rglob("*") if path.is_file()}
    right = right_while_training(Run(run_path))
    assert right.shape == (12,)
    assert {path: path.read_bytes() for path in run_path.rglob("*") if path.is_file()} == before


def test_a_card_is_checked_by_running_it_again(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from convscope.trials.reproducing import experiments

    monkeypatch.setattr(experiments, "experiment_paths", lambda: {"line": here / "line.toml"})
    path = next((here / "cards/line").glob("*.json"))
    assert run(["reproduce", "--check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["holds"], found["another"]) == (True, [])
    assert found["figures"]["test accuracy"]["why"] == "the same to the last digit"
    assert (here / f"runs/reproduce/line/check-{path.stem}-seed-0").is_dir()
    change(path, '"fingerprint": "', '"fingerprint": "0')  # a second check trains anew
    assert run(["reproduce", "--check", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["another"] == ["data"]
    assert (here / f"runs/reproduce/line/check-{path.stem}-2-seed-0").is_dir()


def test_a_card_is_added_and_none_is_written_over(here: Path) -> None:
    card = read_card(next((here / "cards/line").glob("*.json")))
    again, is_new = add_card(here / "cards", card)
    assert (again.parent.name, is_new) == ("line", False)
    other, is_new = add_card(here / "cards", dataclasses.replace(card, why="another"))
    assert is_new
    assert other.name.endswith("-02.json")
    assert len(list((here / "cards/line").iterdir())) == 2


def test_a_figure_that_is_no_number_is_kept_as_none(here: Path) -> None:
    card = read_card(next((here / "cards/line").glob("*.json")))
    loss = dataclasses.replace(
        card.figures["test loss"],
        measured=Pooled("loss", (Measured(value=float("inf"), interval=(0.0, float("nan"))),)),
        verdict=Verdict(word="worse", interval=(float("nan"), float("nan"))),
    )
    path, is_new = add_card(here / "cards", dataclasses.replace(card, figures={"test loss": loss}))
    assert is_new
    assert "NaN" not in path.read_text()
    read = read_card(path).figures["test loss"]
    assert (read.measured.seeds[0].interval, read.verdict.interval) == (None, None)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1}', '{"format": 99}', "[]", "no json"])
def test_a_damaged_card_is_said_to_be_one(here: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "cards/line/2020-01-01-01.json").write_text(text)
    assert run(["reproduce", "--check", "cards/line/2020-01-01-01.json"]) == 2
    assert "result card" in capsys.readouterr().err
