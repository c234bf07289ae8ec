"""What train and evaluate say of a collapse: on the screen, in JSON, in Python and in the report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from convscope import FinishedRun

COLLAPSE = "--network two-conv --steps 3 --optimizer adam --learning-rate 5 --test-fraction 0.4 --threads 1"


def test_a_collapse_is_said_everywhere(
    tmp_path: Path, pictures: Callable[..., Path], convscope: Callable[..., Any]
) -> None:
    data = pictures(tmp_path / "bands", {"ant": 16, "bee": 16, "wasp": 16})
    shown = convscope("train", data, "--runs", tmp_path, "--name", "lost", *COLLAPSE.split())
    assert shown.code == 0
    assert "always the same class" in shown.out
    assert "--learning-rate" in shown.out

    run = tmp_path / "lost"
    evaluated = convscope("evaluate", run, "--json").document
    assert evaluated["findings"][0]["name"] == "one-answer"
    assert evaluated["findings"][0]["severity"] == "error"
    assert "always the same class" in convscope("evaluate", run).out
    assert FinishedRun(run).findings[0].name == "one-answer"
    report = (run / "report.html").read_text()
    assert 'class="error"><b>Always the same class' in report


def test_train_has_findings_in_json_and_a_good_run_has_none(
    tmp_path: Path, trained: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    made = convscope("train", photos, "--runs", tmp_path, *COLLAPSE.split(), "--json").document
    assert "one-answer" in [finding["name"] for finding in made["findings"]]
    good = convscope("evaluate", trained, "--json").document
    assert "one-answer" not in [finding["name"] for finding in good["findings"]]
    assert "always the same" not in convscope("evaluate", trained).out


def test_evaluating_on_other_images_finds_a_collapse_there(
    tmp_path: Path, trained: Path, pictures: Callable[..., Path], convscope: Callable[..., Any]
) -> None:
    """The run is sound, but other images are all black to it."""
    import numpy as np
    from PIL import Image

    dark = pictures(tmp_path / "dark", {"ant": 8, "bee": 8, "wasp": 8})
    for number, path in enumerate(sorted(dark.rglob("*.png"))):
        Image.fromarray(np.full((12, 12), number % 7, np.uint8)).save(path)
    document = convscope("evaluate", trained, dark, "--json").document
    assert document["findings"][0]["name"] == "one-answer"


def test_a_network_that_took_no_step_is_not_judged_as_if_it_had(
    tmp_path: Path, photos: Path, convscope: Callable[..., Any]
) -> None:
    settings = ("--network", "linear", "--steps", "0", "--threads", "1")
    made = convscope("train", photos, "--runs", tmp_path, "--name", "none", *settings, "--json").document
    assert [finding["name"] for finding in made["findings"]] == ["untrained"]
    assert "--steps 1000" in made["findings"][0]["advice"]


def test_a_head_that_cannot_be_fitted_again_is_said_before_marks_are_asked_for(
    convscope: Callable[..., Any], trained: Path
) -> None:
    outcome = convscope("refit", trained)
    assert outcome.code == 2
    assert "was trained from scratch, so no head of it can be fitted alone" in outcome.err
