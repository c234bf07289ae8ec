"""Whatever asks a training to stop, it saves, says how to go on, and ends at the same bits."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import convscope
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.errors import InterruptedTrainingError
from convscope.runs.checkpoints import Checkpoint
from convscope.runs.folder import Run
from convscope.runs.listing import list_runs
from convscope.training import start
from convscope.training.outcome import results
from convscope.training.progress import Choice, Silent
from convscope.training.start import start_training

Same = Callable[[Checkpoint, Checkpoint], None]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]


@pytest.fixture(autouse=True)
def _handlers_are_given_back() -> Iterator[None]:
    outside = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests themselves run under nohup
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before
    signal.signal(signal.SIGHUP, outside)


class Sender(Silent):
    """Sends signals to this very process after a step, or when something is told."""

    def __init__(self, number: signal.Signals, *, step: int = 0, times: int = 1, what: str = "") -> None:
        self.number, self.step, self.times, self.what = number, step, times, what

    def on_step(self, step: int, images: int) -> None:
        if step == self.step:
            self._send()

    def on_choice(self, choice: Choice) -> None:
        if choice.what.startswith(self.what or "nothing"):
            self._send()

    def _send(self) -> None:
        for _ in range(self.times):
            os.kill(os.getpid(), self.number)


def go(bands: Path, runs: Path, progress: Silent, **settings: object) -> Run:
    few = {"network.name": "linear", "training.steps": 5, "training.batch_size": 16, "training.threads": 1}
    config = override(ExperimentConfig(), {"data.source": str(bands), **few, **settings})
    return start_training(config, runs=runs, name="run", progress=progress)


@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_to_stop_saves_after_the_step_at_hand(
    bands: Path, tmp_path: Path, assert_same: Same, number: signal.Signals
) -> None:
    whole = go(bands, tmp_path / "whole", Silent())
    with pytest.raises(
        InterruptedTrainingError, match=r"after step 2 of 5; everything is saved.\nGo on with"
    ):
        go(bands, tmp_path / "stopped", Sender(number, step=2))
    run = Run.open(tmp_path / "stopped" / "run")
    assert run.checkpoint().step == 2
    convscope.resume(run.path)
    assert_same(run.checkpoint("final"), whole.checkpoint("final"))


def test_a_second_signal_stops_at_once(bands: Path, tmp_path: Path) -> None:
    with pytest.raises(InterruptedTrainingError, match=r"nothing to save yet.\nGo on with"):
        go(bands, tmp_path, Sender(signal.SIGINT, step=2, times=2))
    convscope.resume(tmp_path / "run")


def test_a_third_signal_while_it_stops_changes_nothing(bands: Path, tmp_path: Path) -> None:
    class Impatient(Sender):
        def on_end(self) -> None:
            self._send()

    with pytest.raises(InterruptedTrainingError, match=r"up to step 2.\nGo on with"):
        go(bands, tmp_path, Impatient(signal.SIGINT, step=3, times=2), **{"training.checkpoint_every": 2})
    assert convscope.resume(tmp_path / "run").summary["steps"] == 5


def test_a_stop_while_images_are_read_makes_no_image_broken(
    bands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers take whatever goes wrong with an image for the image's fault; a signal is none."""

    def survey(*arguments: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception as error:
            raise AssertionError("taken for damage") from error

    monkeypatch.setattr(start, "survey_source", survey)
    with pytest.raises(InterruptedTrainingError, match="nothing was trained yet"):
        go(bands, tmp_path, Silent())


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_first_step_there_is_nothing_to_save_and_it_is_said(
    bands: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with pytest.raises(InterruptedTrainingError, match="nothing was trained yet, and nothing is left behind"):
        go(bands, tmp_path, Sender(number, what="split"))
    assert list_runs(tmp_path) == []


def test_a_signal_after_the_last_step_leaves_all_that_was_trained(
    bands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(*arguments: object, **options: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(results, "finish_run", finish)
        with pytest.raises(
            InterruptedTrainingError, match=r"what was trained is saved, up to step 5.\nGo on with"
        ):
            go(bands, tmp_path, Silent())
    assert Run.open(tmp_path / "run").checkpoint("final").step == 5
    assert convscope.resume(tmp_path / "run").summary["steps"] == 5


def test_within_a_fold_the_whole_run_is_what_goes_on(bands: Path, tmp_path: Path) -> None:
    class InAFold(Silent):
        def on_choice(self, choice: Choice) -> None:
            if choice.what == "fold 1 of 3":
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(InterruptedTrainingError) as stopped:
        go(bands, tmp_path, InAFold(), **{"data.folds": 3})
    assert str(stopped.value).endswith(f"--resume {tmp_path / 'run'}")
    finished = convscope.resume(tmp_path / "run")
    assert finished.summary["folds"]["accuracy"]["n"] == 3


def test_a_program_that_ignores_hangups_goes_on_after_one(bands: Path, tmp_path: Path) -> None:
    """`nohup convscope train`: who set a signal to be ignored means it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = go(bands, tmp_path, Sender(signal.SIGHUP, step=2))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert run.read("summary.json")["steps"] == 5


def test_in_the_background_of_a_script_a_ctrl_c_that_is_sent_still_saves(bands: Path, tmp_path: Path) -> None:
    """A shell lets its background jobs ignore SIGINT; `kill -INT` is meant all the same."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(InterruptedTrainingError, match="everything is saved"):
            go(bands, tmp_path, Sender(signal.SIGINT, step=2))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert Run.open(tmp_path / "run").checkpoint().step == 2
