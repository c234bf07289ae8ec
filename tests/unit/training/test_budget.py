"""A time budget on a clock that the test moves: it is held, and the schedule comes to its end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

import convscope
from convscope.classifier.classifier import Classifier
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.dataset import Images
from convscope.errors import UsageError
from convscope.runs.folder import Run
from convscope.training import start
from convscope.training.outcome import results
from convscope.training.outcome.results import finishing_seconds
from convscope.training.pacing.budget import Budget
from convscope.training.pacing.timetable import Timetable
from convscope.training.progress import Choice, Silent

Train = Callable[..., Run]


@pytest.mark.parametrize(
    "seconds_of",
    [
        lambda step: 0.1,
        lambda step: 0.3,  # three times as slow as it was guessed
        lambda step: 0.02,
        lambda step: 0.1 if step < 200 else 0.5,
        lambda step: 0.5 if step < 50 else 0.1,
        lambda step: 2.0 if step % 40 == 0 else 0.1,  # a validation now and then
    ],
    ids=["as guessed", "slower", "faster", "slower later", "faster later", "by fits and starts"],
)
def test_a_machine_that_changes_its_pace_does_not_change_the_end(
    seconds_of: Callable[[int], float], clock
) -> None:
    held, timetable, step = Budget(deadline=1060.0), Timetable.of(600), 0
    position = 0.0
    while step < timetable.total and not held.is_spent():
        position = timetable.position(step)
        clock.now += seconds_of(step)
        step += 1
        timetable = held.adjust(timetable, step, ending=0.5)
    assert 1060 - 3 <= clock.now <= 1060 + 2
    assert position / timetable.planned > 0.93


def test_a_budget_with_a_most_never_plans_more(clock) -> None:
    held, timetable, step = Budget(deadline=1060.0, most=100), Timetable.of(100), 0
    while step < timetable.total and not held.is_spent():
        clock.now += 0.1 if step < 50 else 0.01
        step += 1
        timetable = held.adjust(timetable, step, ending=0.5)
    assert step == 100
    assert clock.now < 1060


@pytest.mark.parametrize("more", [{}, {"folds": 2}])
def test_a_run_holds_its_budget_and_its_schedule_ends(train: Train, slow_clock, more: dict[str, int]) -> None:
    begun = slow_clock.now
    run = train(time="20s", steps=None, record_every=1, **more)
    assert slow_clock.now - begun <= 20.0
    summary = run.read("summary.json")
    assert summary["steps"] > 10
    rates = [record["learning_rate"] for record in run.metrics() if record["split"] == "batch"]
    assert rates[-1] < 0.05 * max(rates)
    assert run.config.training.length.seconds == 20
    if more:
        folds = [Run(path).metrics()[-1]["step"] for path in sorted((run.path / "folds").iterdir())]
        assert len(folds) == 2
        assert summary["steps"] > 1.3 * max(folds)  # twice the images, about as many epochs


@pytest.mark.parametrize(("spent", "tried"), [(0.0, True), (19.5, False)])
def test_other_fits_of_the_images_are_left_untried_where_the_budget_is_spent(
    train: Train, slow_clock, monkeypatch: pytest.MonkeyPatch, *, spent: float, tried: bool
) -> None:
    told = []

    def finish(*arguments: object, tries_fits: bool, **options: object) -> None:
        told.append(tries_fits)

    def foretell(job: object) -> tuple[float, float]:
        slow_clock.now += spent
        return 1.0, 4.0

    monkeypatch.setattr(results, "finish_run", finish)
    monkeypatch.setattr(results, "finishing_seconds", foretell)
    train(time="20s", steps=None)
    assert told == [tried]


def test_what_judging_takes_is_not_foretold_from_the_first_pass_of_the_process(
    train: Train, slow_clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU that pass loads cuDNN: 12 s here, of a budget of 20, while an image takes 1 ms."""
    answered: list[int] = []
    logits = Classifier.logits

    def slow_at_first(self: Classifier, images: Images) -> Tensor:
        slow_clock.now += 0.001 * len(images) + (0.0 if answered else 12.0)
        answered.append(len(images))
        return logits(self, images)

    monkeypatch.setattr(Classifier, "logits", slow_at_first)
    monkeypatch.setattr(results, "finishing_seconds", finishing_seconds)
    begun = slow_clock.now
    run = train(time="20s", steps=None)
    assert run.read("summary.json")["steps"] > 10
    assert 15 < slow_clock.now - begun <= 20


def test_a_timed_run_goes_on_to_the_end_of_its_own_plan(train: Train, slow_clock, tmp_path: Path) -> None:
    run = train(time="20s", steps=None, checkpoint_every=5, keep_checkpoints=99)
    halfway = run.checkpoint("10")
    ends = []
    for name in ("first", "second"):
        copied = _stopped_at(run, 10, tmp_path / name)
        convscope.resume(copied)
        ends.append(Run.open(copied))
    assert {end.read("summary.json")["steps"] for end in ends} == {halfway.state["timetable"]["total"]}
    left, right = (end.checkpoint().network for end in ends)
    assert all(left[name].equal(right[name]) for name in left)


def test_a_budget_that_is_over_before_the_first_step_says_so(bands: Path, slow_clock, tmp_path: Path) -> None:
    said: list[Choice] = []

    class Listener(Silent):
        def on_choice(self, choice: Choice) -> None:
            said.append(choice)

    settings = {"data.source": str(bands), "network.name": "linear", "training.time": "1s"}
    config = override(ExperimentConfig(), settings | {"training.threads": 1})
    run = start.start_training(config, runs=tmp_path, progress=Listener())
    told = next(choice for choice in said if choice.what == "budget")
    assert told.reason.startswith("1s is over before the first step")
    assert run.read("summary.json")["steps"] == 1


def test_another_length_replaces_a_budget(train: Train, slow_clock) -> None:
    run = train(time="5s", steps=None)
    taken = run.read("summary.json")["steps"]
    convscope.resume(run.path, steps=taken + 3)
    assert run.read("summary.json")["steps"] == taken + 3
    assert str(run.config.training.length) == f"{taken + 3} steps"


@pytest.mark.parametrize(
    "lengths", [{"time": "5s", "epochs": 1}, {"time": "5s", "steps": 1}, {"epochs": 1, "steps": 1}]
)
def test_two_lengths_are_refused(bands: Path, tmp_path: Path, lengths: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="say how long to train; give one of them"):
        convscope.train(bands, runs=tmp_path, **lengths)
    assert not list(tmp_path.iterdir())


def _stopped_at(run: Run, step: int, folder: Path) -> Path:
    """A copy of a run as a kill right after a checkpoint leaves it."""
    import shutil

    shutil.copytree(run.path, folder, symlinks=True)
    for path in (folder / "checkpoints").glob("step-*"):
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    (folder / "summary.json").unlink()
    return folder
