"""What every test may count on."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.cli.process import tune_process

tune_process()  # as the command does, before torch loads

DATA = os.environ.get("CONVSCOPE_DATA")
NEEDS_MNIST = "needs MNIST: name the folder that holds MNIST/raw by CONVSCOPE_DATA"
EXCUSED = "needs a CUDA device"


@pytest.fixture(scope="session")
def lay_out() -> Callable[[Path], None]:
    """Puts into a folder what pages and examples name: `photos/` of two classes, `folder/`, `new.png`."""

    def into(place: Path) -> None:
        for name, shade in (("ant", 30), ("bee", 190)):
            (place / "photos" / name).mkdir(parents=True)
            for number in range(12):
                noise = np.random.default_rng([shade, number]).integers(0, 60, (24, 24, 3), dtype=np.uint8)
                Image.fromarray(noise + np.uint8(shade)).save(place / "photos" / name / f"{number:02d}.png")
        (place / "folder").mkdir()
        for target in ("new.png", "folder/other.png"):
            Image.fromarray(np.full((24, 24, 3), 220, np.uint8)).save(place / target)

    return into


def _skipped_reasons(config: pytest.Config) -> Counter[str]:
    """Why tests were left out, and how many for each reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    return Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CONVSCOPE_ALL_TESTS a test that is left out for want of anything but a GPU is a failure."""
    if os.environ.get("CONVSCOPE_ALL_TESTS") and set(_skipped_reasons(session.config)) - {EXCUSED}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, and what it takes to have it."""
    reasons = _skipped_reasons(config)
    if reasons:
        terminalreporter.section("left out")
    for reason, count in reasons.most_common():
        fails = os.environ.get("CONVSCOPE_ALL_TESTS") and reason != EXCUSED
        terminalreporter.line(f"{count:4}  {reason}{'    (all tests were asked for)' if fails else ''}")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Where MNIST lies; skips where it does not."""
    if DATA is None or not (Path(DATA) / "MNIST" / "raw").is_dir():
        pytest.skip(NEEDS_MNIST)
    return Path(DATA)
