"""Every command of the README's five minutes is run as it is typed, on small real images."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from convscope.cli.main import run

README = Path(__file__).parents[2] / "README.md"
SMALL = {
    "train": ["--threads", "1", "--epochs", "1"],
    "benchmark": ["--batch-sizes", "1", "--batches", "1", "--burn-in", "1"],
    "find-lr": ["--threads", "1", "--network", "two-conv", "--size", "16"],
}
"""What makes a command short enough for a test, and changes nothing of what it does."""


def headlines() -> list[str]:
    """The commands under "Five minutes", without their comments."""
    block = re.search(r"## Five minutes\n+```\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, lay_out: Callable[[Path], None]) -> Path:
    """A folder with photos, an image and a run of each name that the README has."""
    folder = tmp_path_factory.mktemp("readme")
    lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:  # what the first command leaves: another process may run it
        patch.chdir(folder)
        assert run(["train", "digits", *SMALL["train"]]) == 0
    return folder


@pytest.mark.parametrize("command", headlines())
def test_a_headline_does_what_it_says(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    program, name, *arguments = shlex.split(command)
    assert program == "convscope"
    short = [] if "--time" in arguments else SMALL.get(name, [])
    arguments = ["4s" if argument == "5m" else argument for argument in arguments]
    assert run([name, *arguments, *short]) == 0
    shown = capsys.readouterr()
    assert "error" not in shown.err
    if name == "train":
        assert "report.html" in shown.out
    else:
        assert len(shown.out.splitlines()) > 1
