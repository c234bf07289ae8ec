"""The JSON of each command: the fields that scripts rely on, and nothing else on stdout."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

Convscope = Callable[..., object]


def check_proportion(value: dict[str, object], n: int) -> None:
    assert isinstance(value["value"], float)
    low, high = value["interval"]
    assert 0 <= low <= value["value"] <= high <= 1
    assert value["n"] == n
    assert value["correct"] == round(value["value"] * n)


def test_train(convscope: Convscope, photos: Path, tmp_path: Path) -> None:
    done = convscope(
        *("train", photos, "--network", "linear", "--steps", 2, "--threads", 1),
        *("--runs", tmp_path, "--name", "mine", "--seed", 5, "--json"),
    )
    assert done.code == 0, done.err
    document = done.document
    assert Path(document["run"]) == tmp_path / "mine"
    test_images = sum(
        ",test," in line for line in (tmp_path / "mine" / "splits.csv").read_text().splitlines()
    )
    check_proportion(document["test"]["accuracy"], test_images)
    assert document["seconds"]["train"] >= 0
    assert document["steps"] == 2
    assert Path(document["report"]).is_file()
    assert json.loads((tmp_path / "mine" / "config.json").read_text())["seed"] == 5
    assert "step 2/2" in done.err


def test_evaluate_says_the_same_as_train_did(convscope: Convscope, trained: Path) -> None:
    done = convscope("evaluate", trained, "--json")
    assert done.code == 0
    assert done.document["test"] == json.loads((trained / "summary.json").read_text())["test"]
    validation = convscope("evaluate", trained, "--split", "validation", "--json").document
    assert "test" not in validation
    assert validation["validation"]["accuracy"]["n"] > 0


def test_evaluate_an_untrained_checkpoint(convscope: Convscope, trained: Path) -> None:
    untrained = convscope("evaluate", trained, "--checkpoint", "untrained", "--json").document["test"]
    final = convscope("evaluate", trained, "--json").document["test"]
    assert untrained["loss"] > final["loss"]


def test_summary(convscope: Convscope) -> None:
    done = convscope("summary", "two-conv", "--image", "1x28x28", "--classes", 10, "--json")
    assert done.code == 0
    for layer in done.document["layers"]:
        assert {"name", "output_shape", "weights", "biases", "flops", "receptive_field"} <= set(layer)
    total = done.document["total"]
    assert total["weights"] == 25 * 16 + 25 * 16 * 36 + 49 * 36 * 128 + 128 * 10
    assert total["biases"] == 16 + 36 + 128 + 10
    assert total["flops"] > 0


def test_predict(convscope: Convscope, trained: Path, photos: Path) -> None:
    done = convscope("predict", trained, photos / "bee" / "03.png", "--json")
    assert done.code == 0
    [prediction] = done.document["predictions"]
    assert prediction["path"] == str(photos / "bee" / "03.png")
    assert prediction["class"] in ("ant", "bee", "wasp")
    assert prediction["probability"] == pytest.approx(max(prediction["probabilities"].values()))
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


def test_predict_as_csv(convscope: Convscope, trained: Path, photos: Path) -> None:
    done = convscope("predict", trained, photos, "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) == 48
    assert list(rows[0]) == ["path", "answer", "sure", "class", "probability", "ant", "bee", "wasp"]
    assert float(rows[0]["probability"]) == pytest.approx(
        max(float(rows[0][c]) for c in ("ant", "bee", "wasp"))
    )


def test_predict_a_list_on_standard_input(
    convscope: Convscope, trained: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{photos}/ant/00.png\n\n{photos}/bee/01.png\n"))
    done = convscope("predict", trained, "-", "--json")
    assert [p["path"] for p in done.document["predictions"]] == [
        f"{photos}/ant/00.png",
        f"{photos}/bee/01.png",
    ]


def test_predict_names_what_is_no_image_and_goes_on(
    convscope: Convscope, trained: Path, pictures: Convscope, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "new", {"ant": 2})
    (folder / "ant" / "notes.png").write_text("no picture")
    (folder / "odd [").mkdir()  # no tag of the screen's markup, though it looks like one
    (folder / "odd [" / "name].png").write_text("no picture")
    done = convscope("predict", trained, folder, "--json")
    assert done.code == 0, done.err
    assert len(done.document["predictions"]) == 2
    assert [Path(entry["path"]).name for entry in done.document["quarantined"]] == [
        "notes.png",
        "name].png",
    ]
    assert "odd [/name].png" in done.err.replace("\n", "")


@pytest.mark.parametrize("command", ["networks", "datasets", "runs"])
def test_lists(convscope: Convscope, command: str, trained: Path) -> None:
    arguments = [command, trained.parent] if command == "runs" else [command]
    done = convscope(*arguments, "--json")
    assert done.code == 0
    assert len(done.document[command]) >= 1
    assert convscope(*arguments).code == 0


def test_runs_shows_the_figure_and_what_is_not_finished(
    convscope: Convscope, trained: Path, tmp_path: Path
) -> None:
    [entry] = convscope("runs", trained.parent, "--json").document["runs"]
    assert entry["run"] == str(trained)
    assert entry["summary"]["test"]["accuracy"]["n"] > 0
    (tmp_path / "nothing").mkdir()
    assert "no run in" in convscope("runs", tmp_path / "nothing").out
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text((trained / "config.json").read_text())
    assert "not finished" in convscope("runs", tmp_path).out


def test_one_damaged_run_does_not_hide_the_others(
    convscope: Convscope, trained: Path, tmp_path: Path
) -> None:
    for name, text in {"good": (trained / "summary.json").read_text(), "bad": "{", "odd": "[]"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text((trained / "config.json").read_text())
        (tmp_path / name / "summary.json").write_text(text)
    done = convscope("runs", tmp_path)
    assert done.code == 0
    assert done.out.count("summary.json is damaged") == 2
    assert "%" in done.out
    states = {Path(r["run"]).name: r["state"] for r in convscope("runs", tmp_path, "--json").document["runs"]}
    assert states["good"] == "finished"
    assert states["bad"] == states["odd"] == "summary.json is damaged"


def test_summary_has_one_total_in_parameters_and_megabytes(convscope: Convscope) -> None:
    lines = convscope("summary", "two-conv", "--image", "1x28x28").out.splitlines()
    [total] = [line for line in lines if line.startswith("total")]
    parameters = convscope("summary", "two-conv", "--image", "1x28x28", "--json").document["total"][
        "parameters"
    ]
    assert f"{parameters:,} parameters" in total
    assert "kB" in total


def test_data(convscope: Convscope, photos: Path, tmp_path: Path) -> None:
    done = convscope("data", photos, "--picture", tmp_path / "p.png", "--json")
    assert done.code == 0, done.err
    assert done.document["picture"] == str(tmp_path / "p.png")
    assert (tmp_path / "p.png").is_file()
    text = convscope("data", photos, "--picture", tmp_path / "p.png").out
    assert "ant 16 · bee 16 · wasp 16" in text
    assert f"convscope train {photos}" in text.replace("\n", "")


def test_text_for_people(convscope: Convscope, trained: Path, photos: Path) -> None:
    text = convscope("evaluate", trained).out
    assert "95 % interval" in text
    assert "precision" in text
    table = convscope("predict", trained, photos / "ant" / "00.png").out
    assert "%" in table
    assert str(photos / "ant" / "00.png") in table


def test_evaluate_other_images(
    convscope: Convscope, trained: Path, pictures: Convscope, tmp_path: Path
) -> None:
    other = pictures(tmp_path / "other", {"ant": 3, "bee": 2, "wasp": 4}, first=7)
    document = convscope("evaluate", trained, other, "--json").document
    assert document["test"]["accuracy"]["n"] == 9
    assert document["data"] == str(other)
