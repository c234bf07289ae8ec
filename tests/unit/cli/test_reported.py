"""An experiment's reported figure stands beside the measured one; a network is drawn in its shapes."""

from pathlib import Path

import pytest

from convscope.cli.layer_drawing import draw_layers
from convscope.cli.reported import reported_beside_measured
from convscope.face.layers import summary

EXPERIMENT = """
[data]
source = "digits"
[reference]
source = "E1"
shows = "what is shown"
says = "what is said"
figures = [{ value = 0.91 }, { value = 0.5, at_step = 3 }, { kind = "loss", value = 0.2 }]
"""


def judged(correct: int, low: float, high: float) -> dict[str, object]:
    accuracy = {"value": correct / 750, "n": 750, "correct": correct, "interval": [low, high]}
    return {"test": {"accuracy": accuracy}}


@pytest.mark.parametrize(("low", "high", "where"), [(0.89, 0.93, "within"), (0.95, 0.98, "outside")])
def test_reported_beside_measured(tmp_path: Path, low: float, high: float, where: str) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT)
    [(label, reported, measured)] = reported_beside_measured(path, judged(690, low, high))
    assert (label, reported) == ("reported", "91.0 % of the test images, by the source")
    assert "measured here: 92.0 %" in measured
    assert f"{where} its interval" in measured


def test_without_a_reference_or_a_test_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text('[data]\nsource = "digits"\n')
    assert reported_beside_measured(path, judged(690, 0.9, 0.95)) == []
    path.write_text(EXPERIMENT)
    assert reported_beside_measured(path, {}) == []


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("network", ["two-conv", "vgg11"])
def test_a_drawing_narrows_as_the_network_does(network: str, width: int) -> None:
    rows = draw_layers(summary(network), width)
    assert max(map(len, rows)) <= width
    lengths = [sum(sign in "▁▂▃▄▅▆▇█" for sign in row) for row in rows]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1] == 1
    assert "image" in rows[0]


def test_where_there_is_no_room_nothing_is_drawn() -> None:
    assert draw_layers(summary("two-conv"), 20) == []
