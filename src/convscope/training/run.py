"""From a configuration to a finished run: choose, load, cross-validate, train, evaluate. Prints nothing."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import torch

from convscope.classifier.storage import DESCRIPTION
from convscope.config.asked import ExperimentConfig
from convscope.config.checks import parse_duration
from convscope.config.experiment_file import override
from convscope.config.resolved import ResolvedExperiment, resolve
from convscope.data.dataset import Dataset
from convscope.data.sources import open_source
from convscope.data.survey import survey_source
from convscope.errors import DivergedError, RunError, UsageError
from convscope.networks.pretrained import is_pretrained
from convscope.runs.checkpoints import list_checkpoints
from convscope.runs.environment import describe_environment
from convscope.runs.folder import Run
from convscope.runs.records import truncate_records
from convscope.training.cross_validation import (
    FoldData,
    FoldScores,
    on_all_images,
    score_of,
    split_into_folds,
)
from convscope.training.fine_tuning import soften_head
from convscope.training.learning_rate_finder import search_for_job
from convscope.training.loop import Loop
from convscope.training.pace import evaluation_seconds, steps_that_fit
from convscope.training.plan import plan_experiment
from convscope.training.preparation import (
    Job,
    build_loop,
    fit_head_first,
    load_planned,
    prepare,
    total_steps,
    use_device,
)
from convscope.training.progress import Choice, Progress, Silent
from convscope.training.results import finish_run, write_dataset
from convscope.training.telling import describe_data

FALLBACK_RATE = 1e-3


def start_training(
    config: ExperimentConfig,
    *,
    runs: Path,
    name: str | None = None,
    progress: Progress | None = None,
    started: float | None = None,
) -> Run:
    """Train what `config` describes, into a new run folder in `runs`.

    What `config` leaves open is chosen from the data; every choice goes to `progress` and into the run.
    A time budget counts from `started`, on `time.perf_counter`, when the user began to wait; by default now.

    Raises:
        UsageError, DataError, DivergedError, InterruptedTrainingError, RunError: see `convscope.errors`.
    """
    started = time.perf_counter() if started is None else started
    listener = progress or Silent()
    device = use_device(config)
    source = open_source(config.data)
    overview = survey_source(source, config.data.max_pixels)
    plan = plan_experiment(config, overview)
    config = plan.config
    dataset = load_planned(config, source)
    choices = [*describe_data(overview, dataset, config), *plan.choices]
    for choice in choices:
        listener.on_choice(choice)
    if plan.rate_is_open:
        config, found = _find_rate(config, dataset, device, listener)
        listener.on_choice(found)
        choices.append(found)
    job = prepare(config, dataset, device, listener)  # before the folder is made: it may refuse the network
    run = Run.create(runs, data_name=dataset.name, network_name=str(config.network.name), name=name)
    run.write("choices.json", [choice.to_dict() for choice in choices])
    run.write("environment.json", describe_environment(device=device, seed=config.seed))
    run.write_config(config)
    _complete(run, job, started)
    return run


def resume_training(
    path: Path, *, steps: int | None = None, epochs: int | None = None, progress: Progress | None = None
) -> Run:
    """Go on with a run where its last checkpoint is, to its end or to a new one.

    Raises:
        RunError: when the folder is not a run, or its data has changed since.
    """
    started = time.perf_counter()
    run = Run.open(path)
    config = run.config
    if steps is not None:
        config = resolve(override(config, {"training.steps": steps}))
    elif epochs is not None:
        config = resolve(override(config, {"training.epochs": epochs}))
    device = use_device(config)
    dataset = load_planned(config)
    if run.has("dataset.json") and dataset.fingerprint != run.read("dataset.json")["fingerprint"]:
        raise RunError(
            f"{config.data.source} has changed since {run.path} began: its fingerprint differs.\n"
            "A run goes on with the same images only. Start a new one with: convscope train"
        )
    if list_checkpoints(run.checkpoint_folder):
        _refuse_fewer_steps(run, total_steps(config, len(dataset.train)))
    job = prepare(config, dataset, device, progress or Silent())
    run.write_config(config)
    _complete(run, job, started)
    return run


def _find_rate(
    config: ResolvedExperiment, dataset: Dataset, device: torch.device, progress: Progress
) -> tuple[ResolvedExperiment, Choice]:
    """A learning rate for a network or an update rule that no recipe knows."""
    try:
        search = search_for_job(prepare(config, dataset, device, progress))
    except DivergedError as error:
        rate, reason = FALLBACK_RATE, f"a cautious guess: {error}"
    else:
        rate = search.proposed
        reason = f"found: the loss falls steadily from {search.steep_from:.1g} to {search.steep_to:.1g}"
    return resolve(override(config, {"training.learning_rate": rate})), Choice("rate", f"{rate:.2g}", reason)


def _refuse_fewer_steps(run: Run, steps: int) -> None:
    done = run.checkpoint().step
    if steps < done:
        raise UsageError(
            f"{run.path} is at step {done:,} already and cannot end at step {steps:,}; say more steps"
        )


def _complete(run: Run, job: Job, started: float) -> None:
    """Everything that is still to be done in a run."""
    scores = None
    if job.config.data.folds is not None:
        scores = _cross_validate(run, job)
        job = prepare(job.config, on_all_images(job.dataset), job.device, job.progress)
    seconds = _fit(run, job, started)
    total = time.perf_counter() - started
    finish_run(run, job.dataset, job.device, seconds={"train": seconds, "total": total}, folds=scores)


def _fit(run: Run, job: Job, started: float) -> float:
    """Take all steps that are left; returns the seconds that all steps took."""
    run.write(DESCRIPTION, job.classifier.description())
    write_dataset(run, job.dataset, job.classifier.preprocessing)
    loop = build_loop(run, job)
    if job.config.training.time is not None:
        loop = _within_budget(run, job, loop, started)
    if list_checkpoints(run.checkpoint_folder) and run.checkpoint().step > 0:
        loop.state.restore(run.checkpoint())
    truncate_records(run.metrics_path, loop.state.step if loop.state.step else -1)
    truncate_records(run.histograms_path, loop.state.step if loop.state.step else -1)
    job.progress.on_start(str(run.path), loop.state.step, loop.total_steps)
    if loop.state.step == 0:
        loop.record_start()
        if is_pretrained(str(job.config.network.name)):
            _fit_head(run, job, loop)
    loop.train()
    return loop.state.seconds


def _fit_head(run: Run, job: Job, loop: Loop) -> None:
    """Fit the head of a pretrained network, save and tell it, and make it ready for what follows."""
    begun = time.perf_counter()
    fit_head_first(job)
    if loop.state.average is not None:
        loop.state.average.start_from(loop.state.network)
    loop.record_start()
    loop.state.seconds = time.perf_counter() - begun
    loop.save(is_best=False)  # stopping from here on leaves a classifier that can be used
    accuracies = [record["accuracy"] for record in run.metrics() if record["split"] == "validation"]
    if accuracies and accuracies[-1] is not None:
        value = f"validation {100 * accuracies[-1]:.1f} %"
        more = "" if job.config.training.frozen else "; the later stages follow"
        job.progress.on_choice(
            Choice("head", value, f"fitted after {loop.state.seconds:.0f} s and usable{more}")
        )
    if not job.config.training.frozen:
        soften_head(loop.state.network, job.config.training.head_scale or 1.0)


def _within_budget(run: Run, job: Job, loop: Loop, started: float) -> Loop:
    """The loop with as many steps as the time budget holds, loading and the final evaluation counted in."""
    budget = parse_duration(job.config.training.time or "")
    finishing = evaluation_seconds(job)
    left = budget - (time.perf_counter() - started) - finishing
    steps = job.config.training.steps or steps_that_fit(loop, left)
    run.write_config(override(job.config, {"training.steps": steps, "training.epochs": None}))
    job.progress.on_choice(
        Choice("budget", f"{steps:,} steps", f"fit into {job.config.training.time} on this machine")
    )
    return replace(loop, total_steps=steps, deadline=started + budget - finishing)


def _cross_validate(run: Run, job: Job) -> FoldScores:
    """Fit and judge every fold, each in a run of its own in `folds/`; finished ones are not done again."""
    config = job.config
    assert config.data.folds is not None
    values = []
    for part in split_into_folds(job.dataset, config.data, config.seed):
        fold_run = Run(run.path / "folds" / part.name)
        if not fold_run.has("summary.json"):
            _fit_fold(fold_run, part, config, job.device)
        figure, value = score_of(fold_run.read("summary.json")["test"])
        values.append(value)
        number = len(values)
        job.progress.on_choice(
            Choice(
                f"fold {number}",
                f"{figure.replace('_', ' ')} {value:.3f}",
                f"of {config.data.folds * config.data.repeats}",
            )
        )
    return FoldScores(tuple(values), config.data.folds, config.data.repeats, figure)


def _fit_fold(fold_run: Run, part: FoldData, config: ExperimentConfig, device: torch.device) -> None:
    started = time.perf_counter()
    fold_run.path.mkdir(parents=True, exist_ok=True)
    fold_run.write_config(config)
    seconds = _fit(fold_run, prepare(config, part.dataset, device, Silent()), started)
    total = time.perf_counter() - started
    finish_run(fold_run, part.dataset, device, seconds={"train": seconds, "total": total})
    shutil.rmtree(fold_run.checkpoint_folder)  # a fold is judged, not used
