"""`convscope find-lr`: a rate, a chart, and what to type next."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SETTINGS = ("--network", "linear", "--batch-size", "16", "--threads", "1", "--augmentation", "none")


def test_it_proposes_a_rate_draws_the_chart_and_says_what_to_type(
    convscope: Callable[..., Any], photos: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "charts" / "rates.svg"
    shown = convscope("find-lr", photos, *SETTINGS, "--picture", picture, "--json")
    assert shown.code == 0
    document = shown.document
    assert document["rates"][0] < document["steep_from"] < document["steep_to"] < document["rates"][-1]
    assert document["rates"][0] < document["proposed"] < document["rates"][-1]
    assert "learning rate" in picture.read_text()
    command = shlex.split(document["next"])
    assert command[:3] == ["convscope", "train", str(photos)]
    assert float(command[command.index("--learning-rate") + 1]) == document["proposed"]
    runs = tmp_path / "runs"
    trained = convscope(*command[1:], "--steps", 2, "--runs", runs, "--json")
    assert trained.code == 0
    assert trained.document["steps"] == 2


def test_the_screen_names_the_rate_and_the_picture(
    convscope: Callable[..., Any], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = convscope("find-lr", photos, *SETTINGS, "--learning-rate", "7")
    assert shown.code == 0
    assert "photos-learning-rate.png" in shown.out
    assert (tmp_path / "photos-learning-rate.png").read_bytes().startswith(b"\x89PNG")
    assert "--learning-rate 7" not in shown.out


def test_an_experiment_is_read_and_its_name_used(
    convscope: Callable[..., Any], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wasps.toml").write_text(
        f'[data]\nsource = "{photos}"\n[network]\nname = "linear"\n[training]\nbatch_size = 16\nthreads = 1\n'
    )
    document = convscope("find-lr", "wasps.toml", "--seed", "3", "--json").document
    assert document["picture"] == "wasps-learning-rate.png"
    assert document["next"].startswith("convscope train wasps.toml --seed 3 --learning-rate ")


def test_a_picture_of_another_kind_is_a_usage_error(convscope: Callable[..., Any], photos: Path) -> None:
    shown = convscope("find-lr", photos, "--picture", "rates.bmp")
    assert shown.code == 2
    assert "neither a .png nor a .svg" in shown.err
