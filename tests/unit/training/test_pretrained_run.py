"""A pretrained network in training: its head is fitted first, and may be used long before the end."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import log_softmax

import convscope
from convscope.config.asked import DataConfig, ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.batches import steps_per_epoch
from convscope.data.survey import survey
from convscope.diagnosis.of_run import findings_of_run, recorded_accuracy
from convscope.errors import DivergedError, UsageError
from convscope.evaluation.predictions import read_predictions
from convscope.runs.checkpoints import Checkpoint, find_checkpoint, name_checkpoint
from convscope.runs.folder import Run
from convscope.training.device import use_device
from convscope.training.fine_tuning import stages
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.stages import MOST_EPOCHS
from convscope.training.learning_rate_finder import find_learning_rate, search_for_job
from convscope.training.plan import plan_experiment
from convscope.training.preparation import load_planned, prepare
from convscope.training.progress import Choice, Silent
from convscope.training.start import resume_training, start_training

Same = Callable[[Checkpoint, Checkpoint], None]
SETTINGS = {
    "network.name": "pretrained",
    "preprocessing.size": 64,
    "training.batch_size": 14,
    "training.threads": 1,
}


class StoppedError(Exception):
    """A kill, as far as the run folder can tell."""


class Listener(Silent):
    """Keeps what is told; stops before the first step where asked to."""

    def __init__(self, *, stop: bool = False) -> None:
        self.choices: list[Choice] = []
        self.stop = stop
        self.total = 0

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        self.total = total_steps

    def on_choice(self, choice: Choice) -> None:
        self.choices.append(choice)

    def on_step(self, step: int, images: int) -> None:
        if self.stop:
            raise StoppedError


def start(bands: Path, runs: Path, listener: Listener, **settings: object) -> Run:
    config = override(ExperimentConfig(), {**SETTINGS, "data.source": str(bands), **settings})
    return start_training(config, runs=runs, name="run", progress=listener)


def accuracies(run: Run) -> list[tuple[int, float]]:
    return [(r["step"], r["accuracy"]) for r in run.metrics() if r["split"] == "validation"]


def test_the_fitted_head_is_told_and_kept_before_the_first_step(bands: Path, tmp_path: Path) -> None:
    listener = Listener(stop=True)
    with pytest.raises(StoppedError):
        start(bands, tmp_path, listener, **{"training.epochs": 1})
    run = Run.open(tmp_path / "run")
    untrained, fitted = accuracies(run)
    assert (untrained[0], fitted[0]) == (0, 0)
    assert fitted[1] > untrained[1]
    told = next(choice for choice in listener.choices if choice.what == "head")
    assert told.value == f"validation {fitted[1]:.1%}".replace("%", " %")
    predictions = convscope.load(run.path).predict(sorted((bands / "a").iterdir()))
    assert np.mean([prediction.class_name == "a" for prediction in predictions]) > 0.7


def test_a_run_stopped_after_its_head_goes_on_as_if_it_never_had(
    bands: Path, tmp_path: Path, assert_same: Same
) -> None:
    whole = start(bands, tmp_path / "whole", Listener(), **{"training.steps": 2})
    with pytest.raises(StoppedError):
        start(bands, tmp_path / "halted", Listener(stop=True), **{"training.steps": 2})
    halted = Run.open(tmp_path / "halted" / "run")
    convscope.resume(halted.path)
    assert_same(halted.checkpoint(), whole.checkpoint())
    assert accuracies(halted) == accuracies(whole)


def test_the_average_of_the_weights_starts_from_the_fitted_head(bands: Path, tmp_path: Path) -> None:
    settings = {"training.steps": 1, "training.learning_rate": 1e-9, "training.head_scale": 1.0}
    plain = start(bands, tmp_path / "plain", Listener(), **settings)
    averaged = start(bands, tmp_path / "averaged", Listener(), **settings, **{"training.ema": 0.99})
    heads = [convscope.load(run.path).network.classifier.weight for run in (plain, averaged)]
    assert heads[0].allclose(heads[1], atol=1e-6)


def test_the_head_alone_leaves_the_backbone_as_it_was(bands: Path, tmp_path: Path) -> None:
    run = start(bands, tmp_path, Listener(), **{"training.frozen": True})
    trained, fresh = convscope.load(run.path).network, convscope.load(run.path, "untrained").network
    before = fresh.state_dict()
    changed = {name for name, value in trained.state_dict().items() if not value.equal(before[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_fine_tuning_that_makes_it_worse_is_not_kept(pictures: Callable[..., Path], tmp_path: Path) -> None:
    """The fitted head is a candidate; which of the two is kept is decided on validation, and said."""
    hard = pictures(tmp_path / "hard", classes=6, count=12)
    settings = {"training.steps": 6, "training.learning_rate": 30.0, "training.head_scale": 1.0}
    run = start(hard, tmp_path / "runs", Listener(), **settings)
    summary = run.read("summary.json")
    head, last = (summary["measured"][name] for name in ("head", "last"))
    assert (last["accuracy"], -last["loss"]) < (head["accuracy"], -head["loss"])
    assert summary["kept"]["checkpoint"] == summary["checkpoint"] == "head"
    assert summary["validation"]["accuracy"]["value"] == pytest.approx(head["accuracy"])
    final, named = (convscope.load(run.path, which).network.state_dict() for which in ("final", "head"))
    assert all(final[name].equal(named[name]) for name in named)
    assert summary["untrained"]["accuracy"] < head["accuracy"]
    assert recorded_accuracy(run, "train") is None  # the last record is not of what was kept
    assert last["loss"] > 2 * np.log(6)
    assert "rate-too-high" in [finding.name for finding in findings_of_run(run.path)]


def test_what_was_kept_is_a_candidate_still_where_a_finished_run_goes_on(
    pictures: Callable[..., Path], tmp_path: Path
) -> None:
    hard = pictures(tmp_path / "hard", classes=6, count=12)
    run = start(hard, tmp_path / "runs", Listener(), **{"training.steps": 2})
    folder = run.checkpoint_folder
    name_checkpoint(folder, "final", find_checkpoint(folder, "last"))  # as where its last step was best
    before = convscope.load(run.path).network.state_dict()
    listener = Listener()
    resume_training(run.path, changes={"training.steps": 4}, progress=listener)
    earlier = convscope.load(run.path, "earlier").network.state_dict()
    assert all(earlier[name].equal(before[name]) for name in before)
    kept = run.read("summary.json")["kept"]
    assert kept["checkpoint"] == "earlier" or "earlier has " in kept["why"]
    told = next(choice for choice in listener.choices if choice.what == "length")
    assert told.value == "2 more steps"
    assert "drawn anew over all 4 steps" in told.reason


def test_folds_decide_whether_the_head_alone_is_kept(bands: Path, tmp_path: Path) -> None:
    settings = {"training.steps": 2, "training.learning_rate": 30.0, "data.folds": 3}
    run = start(bands, tmp_path, Listener(), **settings)
    summary = run.read("summary.json")
    assert summary["kept"]["checkpoint"] == "head"
    candidates = summary["folds"]["candidates"]
    assert candidates["last"]["value"] < candidates["head"]["value"] == summary["folds"]["accuracy"]["value"]
    assert summary["test"]["accuracy"]["n"] == 60
    assert summary["test"]["accuracy"]["value"] == pytest.approx(candidates["head"]["value"])
    final, head = (convscope.load(run.path, which).network.state_dict() for which in ("final", "head"))
    assert all(final[name].equal(head[name]) for name in head)


def test_a_frozen_backbone_with_epochs_trains_its_head_for_so_long(bands: Path, tmp_path: Path) -> None:
    run = start(bands, tmp_path, Listener(), **{"training.frozen": True, "training.epochs": 2})
    assert run.read("summary.json")["epochs"] == 2


def test_there_is_no_rate_to_find_where_the_head_is_fitted_exactly(bands: Path) -> None:
    settings = SETTINGS | {"data.source": str(bands), "training.frozen": True}
    plan = plan_experiment(override(ExperimentConfig(), settings), survey(DataConfig(source=str(bands))))
    with pytest.raises(UsageError, match="no learning rate to find: the head is fitted exactly"):
        find_learning_rate(plan.config)


def test_the_finder_searches_the_training_that_follows(bands: Path) -> None:
    """It starts from the fitted head, whose loss is far below that of a network that knows nothing."""
    settings = SETTINGS | {"data.source": str(bands), "training.epochs": 1, "training.head_scale": 1.0}
    plan = plan_experiment(override(ExperimentConfig(), settings), survey(DataConfig(source=str(bands))))
    job = prepare(plan.config, load_planned(plan.config), use_device(plan.config.training), Silent())
    before = {name: value.clone() for name, value in job.classifier.network.state_dict().items()}
    try:
        first = search_for_job(job, num_steps=8).losses[0]
    except DivergedError as error:
        first = float(str(error).partition("stays at ")[2].partition(".\n")[0])
    assert first < 0.95  # ln 3 = 1.1 is what a random head has at best
    after = job.classifier.network.state_dict()
    assert all(after[name].equal(value) for name, value in before.items())


def test_a_time_budget_holds_no_more_epochs_than_photos_gain_from(bands: Path, tmp_path: Path) -> None:
    listener = Listener(stop=True)
    with pytest.raises(StoppedError):
        start(bands, tmp_path, listener, **{"training.time": "9h"})
    told = next(choice for choice in listener.choices if choice.what == "budget")
    assert told.value == f"{MOST_EPOCHS} epochs, and no more"
    config = override(ExperimentConfig(), {**SETTINGS, "data.source": str(bands)})
    images = len(load_planned(plan_experiment(config, survey(config.data)).config).train)
    assert listener.total == MOST_EPOCHS * steps_per_epoch(images, 14)


@pytest.mark.parametrize("budget", ["1s", "9h"])
def test_mirror_images_are_left_out_where_there_is_no_time_for_them(
    bands: Path, tmp_path: Path, budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # what others kept would take no time
    asked: list[int] = []

    def counted(*given: object, **more: object) -> object:
        asked.append(len(given[0]))
        return fit_head(*given, **more)

    monkeypatch.setattr(stages, "fit_head", counted)
    listener = Listener(stop=True)
    with contextlib.suppress(StoppedError):
        start(bands, tmp_path, listener, **{"training.time": budget})
    told = next(choice for choice in listener.choices if choice.what == "head")
    assert asked == ([1] if budget == "1s" else [2])
    assert ("without mirror images" in told.reason) == (budget == "1s")


def test_a_head_that_answers_with_mirror_images_is_judged_as_it_answers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for channel, name in enumerate("ab"):
        (tmp_path / "patches" / name).mkdir(parents=True)
        for number in range(14):
            coarse = random.integers(0, 120, (4, 4, 3), dtype=np.uint8)
            coarse[..., channel] += 100
            pixels = coarse.repeat(16, axis=0).repeat(16, axis=1)
            Image.fromarray(pixels).save(tmp_path / "patches" / name / f"{number}.png")
    settings = {"training.frozen": True, "preprocessing.mirrored": True}
    run = start(tmp_path / "patches", tmp_path, Listener(), **settings)
    classifier, kept = convscope.load(run.path), read_predictions(run, "validation")
    images = [tmp_path / "patches" / name for name in kept.ids]
    plain = replace(classifier, preprocessing=replace(classifier.preprocessing, mirrored=False))
    assert np.allclose(log_probabilities(classifier, images), log_softmax(kept.logits, axis=1), atol=1e-3)
    assert not np.allclose(log_probabilities(plain, images), log_softmax(kept.logits, axis=1), atol=0.1)


def log_probabilities(classifier: convscope.Classifier, images: list[Path]) -> np.ndarray:
    return np.log([list(each.probabilities.values()) for each in classifier.predict(images)])
