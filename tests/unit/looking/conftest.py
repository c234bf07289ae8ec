"""Small runs to look at, made once."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs


def make_bars(folder: Path, per_class: int = 24) -> Path:
    """Two classes of 16 × 16 pictures: a bright bar that lies, or one that stands."""
    random = np.random.default_rng(0)
    for name in ("lying", "standing"):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            pixels = random.integers(0, 60, (16, 16), dtype=np.uint8)
            place = random.integers(3, 12)
            if name == "lying":
                pixels[place : place + 2] += 180
            else:
                pixels[:, place : place + 2] += 180
            Image.fromarray(pixels).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures."""
    return make_bars(tmp_path_factory.mktemp("data") / "bars")


@pytest.fixture(scope="module")
def run(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, into which a test may write its pictures."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("copies") / trained.name))


@pytest.fixture(scope="session")
def trained(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with two convolutions, fitted on them."""
    runs = tmp_path_factory.mktemp("runs")
    settings = {"steps": 12, "batch_size": 16, "learning_rate": 0.003, "threads": 1}
    return cs.train(bars, runs=runs, network="two-conv", **settings).path


@pytest.fixture(scope="session")
def linear_run(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network without a hidden layer, fitted on them."""
    runs = tmp_path_factory.mktemp("linear")
    return cs.train(bars, runs=runs, network="linear", steps=4, batch_size=16, threads=1).path


@pytest.fixture(scope="session")
def folded_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-validated run on pictures of its own, which tests change; its classifier saw them all."""
    folder = tmp_path_factory.mktemp("folded")
    make_bars(folder / "bars", per_class=9)
    settings = {"steps": 3, "batch_size": 8, "learning_rate": 0.003, "threads": 1, "folds": 3}
    return cs.train(folder / "bars", runs=folder / "runs", network="two-conv", **settings).path
