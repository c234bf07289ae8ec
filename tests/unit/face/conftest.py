"""Photos of two classes, and a run on them, in a folder that examples may write into."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import convscope as cs


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, lay_out: Callable[[Path], None]) -> Path:
    """`photos/`, `folder/`, `new.png` and runs `photos` and `other`. Copy it; do not write into it."""
    place = tmp_path_factory.mktemp("face")
    lay_out(place)
    here = Path.cwd()
    os.chdir(place)  # examples name folders as one does who stands beside them
    try:
        settings = {"network": "two-conv", "batch_size": 8, "learning_rate": 1e-3, "threads": 1}
        cs.train("photos", name="photos", steps=8, validate_every=4, **settings)
        cs.train("photos", name="other", steps=1, **settings)
    finally:
        os.chdir(here)
    return place


@pytest.fixture
def place(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the folder one stands in."""
    copy = shutil.copytree(kept, tmp_path / "place", symlinks=True)
    monkeypatch.chdir(copy)
    return copy
