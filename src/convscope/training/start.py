"""From what was asked to a finished run: choose, load, cross-validate, fit, evaluate. Prints nothing."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.config.fields import flag_of
from convscope.config.length import TimeBudget
from convscope.config.resolved import ResolvedExperiment, resolve
from convscope.data.dataset import Dataset
from convscope.data.sources import open_source
from convscope.data.survey import survey_source
from convscope.errors import DivergedError, RunError, UsageError
from convscope.runs.checkpoints import list_checkpoints
from convscope.runs.environment import describe_environment
from convscope.runs.folder import Run
from convscope.training.cross_validation import cross_validate
from convscope.training.device import use_device
from convscope.training.fit import LAST, fit
from convscope.training.folds import on_all_images
from convscope.training.learning_rate_finder import search_for_job
from convscope.training.plan import UNKNOWN_RATE, plan_experiment
from convscope.training.preparation import Job, load_planned, prepare, steps_asked
from convscope.training.progress import Choice, Progress, Silent
from convscope.training.results import finish_run, finishing_seconds
from convscope.training.telling import describe_data

CHANGEABLE = (
    "training.steps",
    "training.epochs",
    "training.device",
    "training.threads",
    "training.precision",
)
"""What may be another in a run that goes on."""

LEAST_REPORT_SECONDS = 2.0
REPORT_OF_IMPORT = 0.5
"""Writing the report takes about half as long as importing what training needs, on a busy machine as well."""


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
    imported = time.perf_counter()
    started = imported if started is None else started
    listener = progress or Silent()
    device = use_device(config.training)
    source = open_source(config.data)
    overview = survey_source(source, config.data.max_pixels)
    plan = plan_experiment(config, overview)
    dataset = load_planned(plan.config, source)
    choices = [*describe_data(overview, dataset, plan.config), *plan.choices]
    for choice in choices:
        listener.on_choice(choice)
    resolved = plan.config
    if plan.rate_is_open:
        resolved, found = _find_rate(resolved, dataset, device, listener)
        listener.on_choice(found)
        choices.append(found)
    job = prepare(resolved, dataset, device, listener)  # before the folder is made: it may refuse the network
    run = Run.create(runs, data_name=dataset.name, network_name=resolved.network.name, name=name)
    run.write("choices.json", [choice.to_dict() for choice in choices])
    run.write("environment.json", describe_environment(device=device, seed=resolved.seed))
    run.write_config(resolved)
    _complete(run, job, started, report=REPORT_OF_IMPORT * (imported - started))
    return run


def resume_training(
    path: Path, *, changes: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> Run:
    """Go on with a run where its last checkpoint is, to its end or to a new one.

    Args:
        path: the run folder.
        changes: fields of the configuration that are another from now on, of `CHANGEABLE`.
        progress: who listens.

    Raises:
        UsageError: a field that cannot change.
        RunError: when the folder is not a run, or its data has changed since.
    """
    started = time.perf_counter()
    run = Run.open(path)
    config = _changed(run.config, changes or {})
    device = use_device(config.training)
    dataset = load_planned(config)
    if run.has("dataset.json") and dataset.fingerprint != run.read("dataset.json")["fingerprint"]:
        raise RunError(
            f"{config.data.source} has changed since {run.path} began: its fingerprint differs.\n"
            "A run goes on with the same images only. Start a new one with: convscope train"
        )
    job = prepare(config, dataset, device, progress or Silent())
    if list_checkpoints(run.checkpoint_folder):
        _refuse_fewer_steps(run, steps_asked(job))
    run.write_config(config)
    _complete(run, job, started)
    return run


def _changed(config: ResolvedExperiment, changes: Mapping[str, Any]) -> ResolvedExperiment:
    for field in changes:
        if field not in CHANGEABLE:
            flags = [flag_of(name) for name in CHANGEABLE]
            raise UsageError(
                f"{flag_of(field)} cannot change in a run that goes on; "
                f"{', '.join(flags[:-1])} and {flags[-1]} can"
            )
    return resolve(override(config, dict(changes)))


def _find_rate(
    config: ResolvedExperiment, dataset: Dataset, device: torch.device, progress: Progress
) -> tuple[ResolvedExperiment, Choice]:
    """A learning rate for a network or an update rule that no recipe knows."""
    try:
        search = search_for_job(prepare(config, dataset, device, progress))
    except DivergedError as error:
        rate, reason = UNKNOWN_RATE, f"a cautious guess: {error}"
    else:
        rate = search.proposed
        reason = f"found: the loss falls steadily from {search.steep_from:.1g} to {search.steep_to:.1g}"
    found = replace(config, training=replace(config.training, learning_rate=rate))
    return found, Choice("rate", f"{rate:.2g}", reason)


def _refuse_fewer_steps(run: Run, steps: int | None) -> None:
    done = run.checkpoint().step
    if steps is not None and steps < done:
        raise UsageError(
            f"{run.path} is at step {done:,} already and cannot end at step {steps:,}; say more steps"
        )


def _complete(run: Run, job: Job, started: float, report: float = 0.0) -> None:
    """Everything that is still to be done in a run; `report` seconds are wanted for what follows it."""
    scores, unvalidated, deadline, length = None, LAST, None, job.config.training.length
    is_cross_validated = job.config.data.folds is not None
    if isinstance(length, TimeBudget):
        judging = 0.0 if is_cross_validated else finishing_seconds(job)
        deadline = started + length.seconds - judging - max(LEAST_REPORT_SECONDS, report)
    if is_cross_validated:
        scores, unvalidated = cross_validate(run, job, deadline)
        job = prepare(job.config, on_all_images(job.dataset), job.device, job.progress)
    fitted = fit(run, job, deadline=deadline, unvalidated=unvalidated)
    finish_run(run, job, fitted, total_seconds=time.perf_counter() - started, folds=scores)
