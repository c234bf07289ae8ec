"""What every test may count on."""

import os
from pathlib import Path

import pytest

from convscope.cli.process import tune_process

tune_process()  # as the command does, before torch loads

DATA = os.environ.get("CONVSCOPE_DATA")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Where MNIST lies; skips where it does not."""
    if DATA is None or not (Path(DATA) / "MNIST" / "raw").is_dir():
        pytest.skip("MNIST is not in $CONVSCOPE_DATA")
    return Path(DATA)
