"""What `train` is told twice, or in a way that would be ignored, is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Convscope = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digits"], "leave DATA out"),
        (["--name", "x"], "leave --name out"),
        (["--runs", "elsewhere"], "leave --runs out"),
        (["--runs", "runs"], "leave --runs out"),
    ],
)
def test_what_would_be_ignored_beside_resume(
    convscope: Convscope, trained: Path, arguments: list[str], said: str
) -> None:
    done = convscope("train", *arguments, "--resume", trained)
    assert done.code == 2
    assert said in done.err


def test_data_beside_source(convscope: Convscope, photos: Path) -> None:
    done = convscope("train", "digits", "--source", photos)
    assert done.code == 2
    assert "DATA or --source" in done.err


@pytest.mark.parametrize("name", ["", "a/b", "-x", "..", "a\tb"])
def test_a_name_is_refused_before_the_data_are_read(convscope: Convscope, tmp_path: Path, name: str) -> None:
    done = convscope("train", tmp_path / "no-such-data", f"--name={name}", "--runs", tmp_path)
    assert done.code == 2
    assert "a run cannot be named" in done.err


def test_a_name_that_is_taken_is_refused_before_the_data_are_read(
    convscope: Convscope, trained: Path, tmp_path: Path
) -> None:
    done = convscope("train", tmp_path / "no-such-data", "--name", trained.name, "--runs", trained.parent)
    assert done.code == 2
    assert "--resume" in done.err


def test_what_help_says_stands_there_whole(convscope: Convscope) -> None:
    assert "DATA-NETWORK-NUMBER unless given" in " ".join(convscope("train", "--help").out.split())
