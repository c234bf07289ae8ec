"""What `predict` shows: the likeliest classes, when it is not sure, and how a folder sums up."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convscope.classifier.prediction import Prediction
from convscope.cli.predictions import BAR, bar, print_predictions

Convscope = Callable[..., Any]


def predicted(path: str, **probabilities: float) -> Prediction:
    name = max(probabilities, key=lambda each: probabilities[each])
    return Prediction(path, name, probabilities[name], probabilities)


def shown(predictions: list[Prediction], width: int = 80, top: int | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    print_predictions(console, predictions, top)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("probabilities", "is_sure"),
    [
        ({"ant": 0.9, "bee": 0.1}, True),
        ({"ant": 0.67, "bee": 0.33}, True),
        ({"ant": 0.6, "bee": 0.4}, False),  # not twice the next
        ({"ant": 0.45, "bee": 0.1, "fly": 0.45 / 9}, False),  # not half of all
        ({"ant": 1.0}, True),
    ],
)
def test_it_is_sure_where_one_class_stands_out(probabilities: dict[str, float], is_sure: bool) -> None:
    assert predicted("a.png", **probabilities).is_sure is is_sure
    assert predicted("a.png", **probabilities).to_dict()["sure"] is is_sure


def test_of_one_image_the_likeliest_five() -> None:
    lines = shown([predicted("a.png", **{f"c{n}": 0.5 / 2**n for n in range(9)})])
    assert lines[0].split() == ["image", "class", "probability"]
    assert [line.replace("a.png", "").split()[0] for line in lines[1:]] == ["c0", "c1", "c2", "c3", "c4"]
    assert lines[1].startswith("a.png")


def test_top_is_as_many_as_there_are_classes() -> None:
    assert len(shown([predicted("a.png", ant=0.8, bee=0.2)], top=9)) == 3
    assert len(shown([predicted("a.png", ant=0.8, bee=0.2)], top=1)) == 2


def test_what_is_nearly_certain_is_not_called_certain() -> None:
    text = "\n".join(shown([predicted("a.png", ant=0.999999, bee=1e-6)]))
    assert "> 99.9 %" in text
    assert "100.0" not in text
    assert "< 0.1 %" in text
    assert bar(0.999999) != bar(1.0) == "━" * BAR


def test_a_folder_is_summed_up() -> None:
    lines = shown([predicted("a.png", ant=0.9, bee=0.1), predicted("b.png", ant=0.45, bee=0.55)])
    assert len([line for line in lines if line.startswith(("a.png", "b.png"))]) == 2
    assert any("not sure" in line and line.startswith("b.png") for line in lines)
    assert any("ant" in line and "45.0 %" in line for line in lines)  # the other one it could be
    assert "ant: 1 · bee: 1" in "\n".join(lines)
    assert "not sure once" in " ".join(" ".join(lines).split())


def test_bars_are_for_a_screen() -> None:
    """What a pipe reads are names, numbers and words."""
    console = Console(file=io.StringIO(), width=80)
    print_predictions(console, [predicted("a.png", ant=0.55, bee=0.45)], None)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "━" not in text
    assert text.splitlines()[1].split() == ["a.png", "ant", "55.0", "%", "not", "sure"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    long = predicted("folder/" + "z" * 90 + ".png", **{"a class with a long name": 0.6, "bee": 0.4})
    lines = shown([long, predicted("b.png", ant=0.4, bee=0.6)], width)
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("z") == 90


def test_top_must_be_a_number_of_classes(convscope: Convscope, trained: Path, photos: Path) -> None:
    done = convscope("predict", trained, photos / "bee" / "03.png", "--top", "0")
    assert done.code == 2
    assert "--top: 0 must be at least 1" in done.err


def test_too_few_images_held_out_to_call_any_unknown_is_said(
    convscope: Convscope, trained: Path, photos: Path
) -> None:
    """Of a plain red image it was sure, and of unknown ones it said 0.0 %, as if that had been measured."""
    predicted = convscope("predict", trained, photos / "ant" / "00.png")
    assert "not asked: 6 images held out, where it takes 19" in predicted.err
    assert '"false_alarms": null' in convscope("predict", trained, photos / "ant", "--json").out
    assert "unknown not asked: 6 images" in " ".join(convscope("evaluate", trained).out.split())
