"""Pictures to learn from in a few steps, and training without a word."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.runs.checkpoints import Checkpoint
from convscope.runs.folder import Run
from convscope.training import fit, preparation, start
from convscope.training.fine_tuning import features
from convscope.training.folding import cross_validation
from convscope.training.outcome import results
from convscope.training.pacing import budget, pace
from convscope.training.pacing import clock as step_clock

TIMED = (budget, cross_validation, features, fit, pace, preparation, results, start, step_clock)
"""The modules that look at the clock."""


class Clock:
    """Stands still, but for what is added; each look at it may take some time."""

    def __init__(self, per_look: float = 0.0) -> None:
        self.now, self.per_look = 1000.0, per_look

    def perf_counter(self) -> float:
        self.now += self.per_look
        return self.now


def make_pictures(folder: Path, classes: int = 3, count: int = 20) -> Path:
    """Grey 12 × 12 pictures, a bright band in another place for each class."""
    for place in range(classes):
        (folder / "abcdef"[place]).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng([place, number]).integers(0, 90, (12, 12), dtype=np.uint8)
            noise[2 + 3 * place : 4 + 3 * place] += 150
            Image.fromarray(noise).save(folder / "abcdef"[place] / f"{number:02d}.png")
    return folder


@pytest.fixture
def pictures() -> Callable[..., Path]:
    return make_pictures


@pytest.fixture(scope="session")
def bands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 20 pictures: 42 to train on, 9 and 9 to judge."""
    return make_pictures(tmp_path_factory.mktemp("data") / "bands")


@pytest.fixture
def train(bands: Path, tmp_path: Path) -> Callable[..., Run]:
    """Settings → a run on `bands`, of 5 steps of 16 unless said otherwise."""

    def call(**settings: object) -> Run:
        chosen = {"network": "two-conv", "batch_size": 16, "threads": 1, "augmentation": "none"} | settings
        if "epochs" not in settings and "steps" not in settings:
            chosen["steps"] = 5
        return Run.open(convscope.train(chosen.pop("data", bands), runs=tmp_path / "runs", **chosen).path)

    return call


@pytest.fixture
def assert_same() -> Callable[[Checkpoint, Checkpoint], None]:
    """Two checkpoints, bit for bit: weights, optimizer, average and plain numbers, except the time taken."""

    def compare(left: Checkpoint, right: Checkpoint) -> None:
        assert left.step == right.step
        for first, second in ((left.network, right.network), (left.training, right.training)):
            assert first.keys() == second.keys()
            assert [name for name in first if not torch.equal(first[name], second[name])] == []
        assert {**left.state, "seconds": 0} == {**right.state, "seconds": 0}

    return compare


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all training, which the test moves; judging what comes of it takes a second."""
    clock = Clock()
    for each in TIMED:
        monkeypatch.setattr(each, "time", clock)
    monkeypatch.setattr(cross_validation, "seconds_per_image", lambda job: 0.0)
    monkeypatch.setattr(results, "finishing_seconds", lambda job: (1.0, 0.0))
    return clock


@pytest.fixture
def slow_clock(clock: Clock) -> Clock:
    """Every look takes a twentieth of a second, so that a training of 20 seconds takes none."""
    clock.per_look = 0.05
    return clock
