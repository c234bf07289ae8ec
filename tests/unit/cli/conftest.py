"""Folders of small pictures, a run on them, and the command line without a process of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.cli.main import run as run_command


@dataclass(frozen=True)
class Outcome:
    """What a command left on the screen."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def message(self) -> list[str]:
        """The error, from its first line on."""
        lines = self.err.splitlines()
        return lines[next(n for n, line in enumerate(lines) if line.startswith("error: ")) :]


def make_pictures(folder: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Class folders of 12 × 12 pictures, a bright band in another place for each class."""
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            noise = np.random.default_rng([first, place, number]).integers(0, 90, (12, 12), dtype=np.uint8)
            noise[2 + 3 * place : 4 + 3 * place] += 150
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture
def pictures() -> Callable[..., Path]:
    """Folder and {class: count} → a folder of class folders."""
    return make_pictures


@pytest.fixture
def convscope(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Arguments → exit code, stdout and stderr."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run_command([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 16 pictures."""
    return make_pictures(tmp_path_factory.mktemp("data") / "photos", {"ant": 16, "bee": 16, "wasp": 16})


@pytest.fixture(scope="session")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on `photos`. Read it; do not write into it."""
    import convscope

    runs = tmp_path_factory.mktemp("runs")
    return convscope.train(
        photos, runs=runs, network="linear", steps=8, batch_size=16, learning_rate=0.01, threads=1
    ).path
