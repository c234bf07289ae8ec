"""Commands in real terminals of 60, 80 and 120 columns: nothing is wider, and no command is broken."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import convscope
from convscope.cli.main import COMMANDS

WIDTHS = [60, 80, 120]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ALARMING = re.compile(r"\x1b\[(?:\d+;)*(?:31|41|91)(?:;\d+)*m")
pytestmark = pytest.mark.slow  # a process for each screen
COMMAND = "from convscope.cli.main import main; main()"


def in_terminal(width: int, folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code, and everything that was written to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # nobody holds the terminal any more
            break
        if not part:
            break
        written += part
    os.close(ours)
    return running.wait(), written.decode()


def lines_of(written: str) -> list[str]:
    """What ever stood in a line, one after the other: a live line stands there once for each drawing."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", CONTROL.sub("", written)) if line.strip()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to stand in, with pictures and a run on them."""
    from tests.unit.cli.conftest import make_pictures

    folder = tmp_path_factory.mktemp("place")
    make_pictures(folder / "photos", {"ant": 16, "bee": 16, "wasp": 16})
    for name, steps in (("a", 8), ("b", 2)):
        given = {"network": "linear", "steps": steps, "batch_size": 16, "threads": 1}
        convscope.train(folder / "photos", runs=folder / "runs", name=name, **given)
    return folder


@pytest.mark.parametrize("width", WIDTHS)
def test_a_training_from_its_plan_to_what_comes_next(place: Path, width: int) -> None:
    name = f"wide-{width}"
    code, written = in_terminal(
        width,
        place,
        *("train", "photos", "--network", "linear", "--epochs", "3", "--batch-size", "8"),
        *("--threads", "1", "--name", name),
    )
    lines = lines_of(written)
    assert code == 0, written
    assert max(map(len, lines)) <= width
    for command in (f"convscope look runs/{name}", f"convscope predict runs/{name} new.jpg"):
        assert any(command in line for line in lines)
    assert any(line.startswith("3/3 ") for line in lines)  # the table of epochs
    assert any("starting" in line and line.endswith(" left") for line in lines)
    assert not ALARMING.search(written)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "runs/a"),
        ("predict", "runs/a", "photos/ant"),
        ("predict", "runs/a", "photos/ant/00.png"),
        ("runs",),
        ("look", "runs/a", "--only", "histograms"),
        ("report", "runs/a"),
        ("diagnose", "runs/a"),
        ("compare", "runs/a", "runs/b"),
        ("compare", "--plan", "--images", "1000", "--accuracy", "95"),
        ("data", "photos"),
        ("find-lr", "photos", "--network", "linear"),
        ("summary", "two-conv"),
        ("benchmark", "linear", "--batch-sizes", "1", "--batches", "1", "--burn-in", "1"),
        ("reproduce",),
        ("networks",),
        ("datasets",),
        ("cache",),
        ("--help",),
        *((name, "--help") for name in COMMANDS),
    ],
    ids=" ".join,
)
def test_no_screen_is_wider_than_its_terminal(place: Path, width: int, arguments: tuple[str, ...]) -> None:
    code, written = in_terminal(width, place, *arguments)
    assert code == 0, written
    wide = [line for line in lines_of(written) if len(line) > width]
    one = re.compile(r"\s*(convscope .*|\S+)\s*")  # a command is never broken, and no path or word
    assert [line for line in wide if not one.fullmatch(line)] == []
    assert not ALARMING.search(written)
