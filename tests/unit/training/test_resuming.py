"""A run that goes on is the run that never stopped, or it is refused."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.errors import DataError, InterruptedTrainingError, RunError
from convscope.runs.checkpoints import Checkpoint
from convscope.runs.folder import Run
from convscope.training.progress import Silent
from convscope.training.start import resume_training

Train = Callable[..., Run]
Same = Callable[[Checkpoint, Checkpoint], None]
EVERYTHING = {
    "augmentation": "digits",
    "dropout": 0.5,
    "optimizer": "momentum",
    "learning_rate": 0.01,
    "ema": 0.8,
    "schedule": "constant",
    "checkpoint_every": 2,
    "keep_checkpoints": 50,
}


def stopped_after(run: Run, step: int, folder: Path) -> Run:
    """A copy of a run as a kill right after the checkpoint of `step` leaves it."""
    shutil.copytree(run.path, folder, symlinks=True)
    for path in (folder / "checkpoints").glob("step-*"):
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    shutil.rmtree(folder / "predictions")
    (folder / "summary.json").unlink()
    return Run.open(folder)


def figures(run: Run) -> list[tuple[object, ...]]:
    return [(r["step"], r["split"], r["loss"], r["accuracy"], r["learning_rate"]) for r in run.metrics()]


@pytest.mark.parametrize("step", [2, 6, 8])
def test_going_on_equals_never_stopping(train: Train, assert_same: Same, tmp_path: Path, step: int) -> None:
    whole = train(**EVERYTHING, steps=10)
    halted = stopped_after(whole, step, tmp_path / "halted")
    convscope.resume(halted.path)
    assert_same(halted.checkpoint(), whole.checkpoint())
    assert figures(halted) == figures(whole)
    for split in ("validation", "test"):
        left, right = (run.read_arrays(f"predictions/{split}.npz")["logits"] for run in (halted, whole))
        assert np.array_equal(left, right)


@pytest.mark.parametrize(
    ("optimizer", "network"),
    [
        ("sgd", "small-resnet"),
        ("nesterov", "whitened-vgg"),
        ("adam", "small-resnet"),
        ("adamw", "small-resnet"),
    ],
)
def test_every_optimizer_goes_on(
    train: Train, assert_same: Same, tmp_path: Path, optimizer: str, network: str
) -> None:
    whole = train(network=network, steps=4, checkpoint_every=2, keep_checkpoints=9, optimizer=optimizer)
    halted = stopped_after(whole, 2, tmp_path / "halted")
    convscope.resume(halted.path)
    assert_same(halted.checkpoint(), whole.checkpoint())


@pytest.mark.parametrize("length", ["steps", "epochs"])
def test_going_on_beyond_the_end(train: Train, assert_same: Same, length: str) -> None:
    short, long = (3, 7) if length == "steps" else (1, 2)
    run, whole = train(**EVERYTHING, **{length: short}), train(**EVERYTHING, **{length: long})
    convscope.resume(run.path, **{length: long})
    left, right = run.checkpoint(), whole.checkpoint()
    assert left.step == right.step
    assert all(np.array_equal(left.network[name], right.network[name]) for name in left.network)
    assert all(np.array_equal(left.training[name], right.training[name]) for name in left.training)
    saved = run.config.training
    assert (saved.steps, saved.epochs) == ((long, None) if length == "steps" else (None, long))
    assert run.read("summary.json")["steps"] == right.step


def test_a_finished_run_stays_as_it_is(train: Train, assert_same: Same) -> None:
    run = train()
    before, written = run.checkpoint(), figures(run)
    convscope.resume(run.path)
    assert_same(run.checkpoint(), before)
    assert figures(run) == written


def test_going_on_from_no_steps(train: Train, assert_same: Same) -> None:
    run, whole = train(steps=0), train(steps=4)
    convscope.resume(run.path, steps=4)
    left, right = run.checkpoint(), whole.checkpoint()
    assert all(np.array_equal(left.network[name], right.network[name]) for name in left.network)
    assert figures(run) == figures(whole)


def test_a_run_killed_before_its_first_checkpoint_starts_again(
    train: Train, assert_same: Same, tmp_path: Path
) -> None:
    whole = train(**EVERYTHING, steps=4)
    halted = stopped_after(whole, 2, tmp_path / "halted")
    shutil.rmtree(halted.path / "checkpoints")
    convscope.resume(halted.path)
    assert_same(halted.checkpoint(), whole.checkpoint())
    assert figures(halted) == figures(whole)


def test_a_stop_by_early_stopping_stays_a_stop(train: Train, assert_same: Same, tmp_path: Path) -> None:
    """Killed between its last checkpoint and its summary, it has nothing left to do."""
    settings = {"network": "linear", "optimizer": "sgd", "learning_rate": 1e-12, "validate_every": 2}
    whole = train(**settings, steps=50, early_stopping=2, checkpoint_every=2, keep_checkpoints=9)
    halted = stopped_after(whole, 6, tmp_path / "halted")
    convscope.resume(halted.path)
    assert halted.read("summary.json")["steps"] == whole.read("summary.json")["steps"] == 6
    assert_same(halted.checkpoint(), whole.checkpoint())


def test_other_images_are_refused(pictures: Callable[..., Path], train: Train, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", classes=2)
    run = train(data=folder)
    Image.new("L", (12, 12), 77).save(folder / "a" / "new.png")
    with pytest.raises(RunError, match="has changed since"):
        convscope.resume(run.path, steps=9)
    assert run.config.training.steps == 5
    (folder / "a" / "new.png").unlink()
    convscope.resume(run.path, steps=6)
    assert run.checkpoint().step == 6


def test_renamed_images_are_the_same_images(
    pictures: Callable[..., Path], train: Train, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "mine", classes=2)
    run = train(data=folder)
    (folder / "a" / "00.png").rename(folder / "a" / "first.png")
    convscope.resume(run.path, steps=6)
    assert run.checkpoint().step == 6


def test_images_that_are_gone_are_named(pictures: Callable[..., Path], train: Train, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", classes=2)
    run = train(data=folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="mine"):
        convscope.resume(run.path, steps=6)
    with pytest.raises(DataError, match="mine"):
        convscope.evaluate(run.path)


def test_a_shorter_end_is_refused(train: Train) -> None:
    run = train(steps=5)
    with pytest.raises(convscope.errors.UsageError, match="5"):
        convscope.resume(run.path, steps=3)
    assert run.config.training.steps == 5


@pytest.mark.parametrize("length", ["steps", "epochs"])
def test_folds_judge_a_classifier_that_was_trained_as_long_as_they(train: Train, length: str) -> None:
    run = train(steps=2, folds=2)
    before = run.read("summary.json")
    assert run.read("step_by_step.json")["split"] == "training"
    with pytest.raises(convscope.errors.UsageError, match="cross-validated"):
        convscope.resume(run.path, **{length: 4})
    assert run.config.training.steps == 2
    convscope.resume(run.path, steps=2)
    assert run.read("summary.json")["folds"]["accuracy"] == before["folds"]["accuracy"]
    assert run.read("summary.json")["seconds"]["total"] > before["seconds"]["total"]


def test_a_finished_run_that_goes_on_and_is_stopped_is_not_finished(train: Train) -> None:
    """Its earlier figures are not shown for the weights of a later step."""
    run = train(steps=3)

    class StopAt5(Silent):
        def on_step(self, step: int, images: int) -> None:
            if step == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedTrainingError):
        resume_training(run.path, changes={"training.steps": 9}, progress=StopAt5())
    assert run.summary() is None
    assert not run.has("step_by_step.json")
    assert run.kept_checkpoint().name == "step-00000005"
    convscope.resume(run.path)
    assert run.read("summary.json")["steps"] == 9
    assert run.kept_checkpoint().name == "step-00000009"
