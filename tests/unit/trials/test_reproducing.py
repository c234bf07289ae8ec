"""What `convscope reproduce` makes of an experiment, on one that takes a second."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from convscope.cli.main import run

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
says = "half"
figures = [{ value = 0.5, images = 12 }, { value = 0.5, images = 12, at_step = 0 }]
"""

Reproduce = Callable[..., int]


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "line.toml"
    path.write_text(TOML)
    return path


def reproduce(*words: str) -> int:
    return run(["reproduce", "line.toml", "--results", "cards", *words])


def test_an_experiment_leaves_a_card(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce("--seeds", "3", "--json") == 0
    found = json.loads(capsys.readouterr().out)["experiments"][0]
    assert {"name", "reported", "measured", "verdict", "seconds"} <= found.keys()
    assert (found["name"], found["reported"]) == ("line", 0.5)
    card = json.loads(Path(found["card"]).read_text())
    assert card["seeds"] == [0, 1, 2]
    assert len(card["data"]["fingerprint"]) > 20
    assert len(card["configuration"]["sha256"]) == 64
    assert [len(figure["seeds"]) for figure in card["figures"].values()] == [3, 3]
    assert card["figures"]["test accuracy at step 0"]["reported"] == {"value": 0.5, "images": 12}
    assert str(Path.cwd()) not in json.dumps(card)  # it is shown to others
