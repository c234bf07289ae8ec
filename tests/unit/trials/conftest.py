"""A small run to ask questions of, made once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 16 × 16 pictures: a bright bar that lies, or one that stands."""
    folder = tmp_path_factory.mktemp("data") / "bars"
    random = np.random.default_rng(0)
    for name in ("lying", "standing"):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 60, (16, 16), dtype=np.uint8)
            place = random.integers(3, 12)
            bar = np.s_[place : place + 2] if name == "lying" else np.s_[:, place : place + 2]
            pixels[bar] += 180
            Image.fromarray(pixels).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def bars_run(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions, fitted on them."""
    settings = {"steps": 12, "batch_size": 16, "learning_rate": 0.003, "threads": 1}
    return cs.train(bars, runs=tmp_path_factory.mktemp("runs"), network="two-conv", **settings).path
