"""A run is a folder that people copy, move, zip and resume, on whatever machine they have then."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import convscope
from convscope.errors import DataError, RunError, UsageError
from convscope.runs.checkpoints import Checkpoint, list_checkpoints
from convscope.runs.folder import Run
from convscope.training.progress import Choice, Silent
from convscope.training.start import resume_training

Train = Callable[..., Run]
Same = Callable[[Checkpoint, Checkpoint], None]
OFTEN = {"network": "linear", "steps": 8, "checkpoint_every": 2, "keep_checkpoints": 50, "ema": 0.8}


@pytest.fixture
def whole(train: Train) -> Run:
    return train(**OFTEN)


def halted(run: Run, folder: Path, step: int = 4) -> Path:
    """A copy of a run as a kill right after the checkpoint of `step` leaves it."""
    shutil.copytree(run.path, folder)
    for path in list_checkpoints(folder / "checkpoints"):
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    (folder / "summary.json").unlink()
    return folder


class Listener(Silent):
    def __init__(self) -> None:
        self.choices: list[Choice] = []

    def on_choice(self, choice: Choice) -> None:
        self.choices.append(choice)


def test_a_run_zipped_and_unzipped_elsewhere_goes_on_to_the_same_bits(
    whole: Run, tmp_path: Path, assert_same: Same
) -> None:
    archive = shutil.make_archive(str(tmp_path / "moved"), "zip", halted(whole, tmp_path / "halted"))
    shutil.unpack_archive(archive, tmp_path / "elsewhere" / "renamed")
    moved = tmp_path / "elsewhere" / "renamed"
    convscope.resume(moved)
    assert_same(Run.open(moved).checkpoint("final"), whole.checkpoint("final"))
    assert not [path for path in whole.path.rglob("*") if path.is_symlink()]


def test_a_relative_source_is_found_from_another_folder(
    bands: Path, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assert_same: Same
) -> None:
    monkeypatch.chdir(bands.parent)
    run = convscope.train(bands.name, runs=tmp_path / "relative", augmentation="none", threads=1, **OFTEN)
    assert Run.open(run.path).config.data.source == bands.name
    copied = halted(Run.open(run.path), tmp_path / "copied")
    monkeypatch.chdir(tmp_path)
    assert convscope.evaluate(run.path).accuracy.n == 9
    convscope.resume(copied)
    assert_same(Run.open(copied).checkpoint(), Run.open(run.path).checkpoint())


def test_data_and_runs_that_moved_together_are_found_together(
    bands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(bands, here / "bands")
    monkeypatch.chdir(here)
    convscope.train("bands", runs="runs", name="run", augmentation="none", threads=1, **OFTEN)
    monkeypatch.chdir(tmp_path)
    here.rename(there)
    monkeypatch.chdir(there)
    assert convscope.evaluate("runs/run").accuracy.n == 9


def test_source_points_to_where_the_images_are_now(
    bands: Path, pictures: Callable[..., Path], train: Train, tmp_path: Path
) -> None:
    shutil.copytree(bands, tmp_path / "old")
    run = train(data=tmp_path / "old", **OFTEN)
    copied = halted(run, tmp_path / "copied")
    (tmp_path / "old").rename(tmp_path / "new")
    resume_training(copied, changes={"data.source": str(tmp_path / "new")})
    assert Run.open(copied).config.data.source == str(tmp_path / "new")
    assert convscope.evaluate(copied).accuracy.n == 9
    others = pictures(tmp_path / "others", count=25)
    with pytest.raises(RunError, match="has changed since"):
        resume_training(copied, changes={"data.source": str(others)})


def test_another_machine_may_have_other_threads_and_precision(whole: Run, tmp_path: Path) -> None:
    copied = halted(whole, tmp_path / "copied")
    changes = {"training.threads": 10_000, "training.precision": "float32", "training.device": "cpu"}
    run = resume_training(copied, changes=changes)
    assert run.config.training.precision == "float32"
    assert run.read("summary.json")["steps"] == 8
    with pytest.raises(UsageError, match=r"--network cannot change .* --threads"):
        resume_training(copied, changes={"network.name": "vgg12"})


def test_more_threads_than_cores_are_bounded_and_said(bands: Path, tmp_path: Path) -> None:
    from convscope.config.asked import ExperimentConfig
    from convscope.config.experiment_file import override
    from convscope.training.start import start_training

    listener = Listener()
    settings = {"data.source": str(bands), "network.name": "linear", "training.steps": 1}
    config = override(ExperimentConfig(), settings | {"training.threads": 10_000})
    run = start_training(config, runs=tmp_path, progress=listener)
    told = next(choice for choice in listener.choices if choice.what == "threads")
    assert told.reason.startswith("10,000 were asked for")
    assert run.read("environment.json")["threads"] == int(told.value) <= (os.cpu_count() or 1)


HOLD = """
import sys
from pathlib import Path
from convscope.runs.lock import exclusively
with exclusively(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_dead(whole: Run, tmp_path: Path) -> None:
    copied = halted(whole, tmp_path / "copied")
    command = [sys.executable, "-c", HOLD, str(copied)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="is being trained by another process"):
            convscope.resume(copied)
        again = halted(whole, tmp_path / "again")  # a copy of a held folder is not held
        convscope.resume(again)
        holder.kill()
        holder.wait()
    convscope.resume(copied)
    assert Run.open(copied).read("summary.json")["steps"] == 8
    records = [(record["step"], record["split"]) for record in Run.open(copied).metrics()]
    assert len(records) == len(set(records))


@pytest.mark.parametrize("name", ["network.safetensors", "training.safetensors", "state.json"])
def test_a_torn_checkpoint_is_said_and_the_one_before_it_goes_on(
    whole: Run, tmp_path: Path, assert_same: Same, name: str
) -> None:
    copied = halted(whole, tmp_path / "copied")
    torn = list_checkpoints(copied / "checkpoints")[-1] / name
    torn.write_bytes(torn.read_bytes()[:20])
    listener = Listener()
    run = resume_training(copied, progress=listener)
    assert [choice.value for choice in listener.choices if choice.what == "checkpoint"] == [
        "step-00000004 cannot be read"
    ]
    assert_same(run.checkpoint("final"), whole.checkpoint("final"))


def test_what_was_kept_never_silently_becomes_the_last(whole: Run, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(whole.path, tmp_path / "copied"))
    names = json.loads((copied / "checkpoints" / "names.json").read_text())
    shutil.rmtree(copied / "checkpoints" / names["final"])
    with pytest.raises(RunError, match=r"its final checkpoint, step-00000008, is not there; it has step-"):
        convscope.load(copied)
    assert convscope.load(copied, "last").class_names == ("a", "b", "c")


@pytest.mark.parametrize("kept", ["final", "best"])
def test_without_its_names_a_finished_run_still_knows_what_it_kept(
    train: Train, tmp_path: Path, kept: str
) -> None:
    settings = {"network": "linear", "optimizer": "sgd", "learning_rate": 1e-12, "validate_every": 2}
    stops = {"early_stopping": 2, "checkpoint_every": 2, "keep_checkpoints": 9} if kept == "best" else {}
    run = train(**settings, steps=8, **stops)
    step = int(run.kept_checkpoint().name.rpartition("-")[2])
    (run.checkpoint_folder / "names.json").unlink()
    assert run.kept_checkpoint().name == f"step-{step:08d}"
    assert (step < run.checkpoint().step) == (kept == "best")
    shutil.rmtree(run.kept_checkpoint())
    with pytest.raises(RunError, match=f"no checkpoint 'step-{step:08d}'|no checkpoint yet"):
        convscope.load(run.path)


def test_on_another_machine_what_differs_is_said(whole: Run, tmp_path: Path) -> None:
    copied = halted(whole, tmp_path / "copied")
    environment = json.loads((copied / "environment.json").read_text())
    environment |= {"threads": 96, "device_name": "Cray-1"}
    environment["packages"]["torch"] = "1.0"
    (copied / "environment.json").write_text(json.dumps(environment))
    listener = Listener()
    resume_training(copied, progress=listener)
    told = next(choice for choice in listener.choices if choice.what == "machine")
    for words in ("not Cray-1", "threads 1, not 96", "not 1.0", "last digits"):
        assert words in told.reason
    listener = Listener()
    resume_training(halted(whole, tmp_path / "same"), progress=listener)
    assert "machine" not in [choice.what for choice in listener.choices]


def test_images_that_are_gone_may_be_shown_where_they_are_now(
    bands: Path, train: Train, tmp_path: Path
) -> None:
    shutil.copytree(bands, tmp_path / "old")
    run = train(data=tmp_path / "old", **OFTEN)
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(DataError, match=r"old.*\n.*--resume .* --source PATH"):
        convscope.resume(run.path, steps=9)


def test_a_place_without_locks_trains_and_says_so(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convscope.runs.lock.fcntl", None)
    listener = Listener()
    resume_training(halted(whole, tmp_path / "copied"), progress=listener)
    assert [choice.reason for choice in listener.choices if choice.what == "lock"] == [
        "this system locks no files: do not train this run twice at once"
    ]


def as_version_0_1_0(run: Path) -> Path:
    """What an older convscope would have left: links for names, a time beside its steps, one score."""
    (run / "checkpoints" / "names.json").unlink()
    last = list_checkpoints(run / "checkpoints")[-1]
    (run / "checkpoints" / "last").symlink_to(last.name)
    (run / "checkpoints" / "best").symlink_to(last.name)
    config = json.loads((run / "config.json").read_text())
    config["training"]["time"] = "60s"
    for name in ("frozen", "head_scale", "frozen_share", "rate_decay", "frozen_statistics"):
        config["training"][name] = None
    (run / "config.json").write_text(json.dumps(config))
    for checkpoint in list_checkpoints(run / "checkpoints"):
        state = json.loads((checkpoint / "state.json").read_text())
        del state["timetable"], state["measured"]
        state["best_score"] = state.pop("best")[0] if state["best"] else None
        (checkpoint / "state.json").write_text(json.dumps(state))
    environment = json.loads((run / "environment.json").read_text())
    del environment["working_folder"]
    (run / "environment.json").write_text(json.dumps(environment))
    return run


@pytest.mark.parametrize("followed", [False, True], ids=["links", "copied with links followed"])
def test_a_run_of_the_version_before_goes_on_and_is_read(
    train: Train, tmp_path: Path, followed: bool
) -> None:
    whole = train(**OFTEN)
    older = as_version_0_1_0(halted(whole, tmp_path / "older"))
    if followed:
        older = Path(shutil.copytree(older, tmp_path / "followed", symlinks=False))
        assert (older / "checkpoints" / "best" / "state.json").is_file()
    before = convscope.load(older, "best").network.state_dict()
    assert before
    run = resume_training(older)
    assert str(run.config.training.length) == "8 steps"
    left, right = run.checkpoint("final").network, whole.checkpoint("final").network
    assert all(left[name].equal(right[name]) for name in left)
