"""From what was asked to a finished run: choose, load, cross-validate, fit, evaluate. Prints nothing."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.config.fields import flag_of
from convscope.config.length import Steps, TimeBudget
from convscope.config.resolved import ResolvedExperiment, resolve
from convscope.data.corrections import read_corrections
from convscope.data.dataset import Dataset
from convscope.data.sources import open_source
from convscope.data.sources.opening import is_named
from convscope.data.survey import survey_source
from convscope.errors import DataError, DivergedError, RunError, UsageError
from convscope.evaluation.series import read_series
from convscope.runs.advice import go_on, resume_command
from convscope.runs.checkpoints import newest_step
from convscope.runs.environment import describe_environment, what_differs
from convscope.runs.folder import CHOICES, DATASET, ENVIRONMENT, Run
from convscope.runs.lock import exclusively
from convscope.runs.standing import forget_divergence, note_divergence
from convscope.training.device import usable_cores, use_device
from convscope.training.fine_tuning.features import backbone_features, features_for_series
from convscope.training.fit import fit
from convscope.training.learning_rate_finder import search_for_job
from convscope.training.outcome.manifest import write_dataset
from convscope.training.pacing.interruption import stopped_by_signals
from convscope.training.plan import UNKNOWN_RATE, plan_experiment
from convscope.training.preparation import Job, load_planned, prepare, steps_asked
from convscope.training.progress import Choice, Progress, Silent
from convscope.training.telling import describe_data
from convscope.wording import listed

CHANGEABLE = (
    *("training.steps", "training.epochs"),
    *("training.device", "training.threads", "training.precision"),
    "data.source",
)
"""What may be another in a run that goes on."""

NOTHING_TO_SAVE = "stopped; nothing was trained yet, and nothing is left behind"
LEAST_REPORT_SECONDS = 2.0
REPORT_OF_IMPORT = 1.0
"""Writing the report takes no longer than importing what training needs, on a busy machine as well."""


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
    with stopped_by_signals(lambda: NOTHING_TO_SAVE):
        job, files = _prepare_new(config, listener)
        run = Run.create(runs, job.config, data_name=job.dataset.name, name=name, files=files)
    with _alone(run, listener):
        write_dataset(run, job.dataset, job.classifier.preprocessing)  # what a resumption is held against
        _complete(run, job, started, report=REPORT_OF_IMPORT * (imported - started))
    return run


def _prepare_new(config: ExperimentConfig, listener: Progress) -> tuple[Job, dict[str, Any]]:
    """Choose, tell and load; the fit that follows, and the files that its run starts with."""
    device = use_device(config.training)
    _tell_threads(config, listener)
    if config.data.corrections is not None:
        read_corrections(Path(config.data.corrections).expanduser())  # now, not after everything was decoded
    source = open_source(config.data)
    overview = survey_source(source, config.data.max_pixels)
    plan = plan_experiment(config, overview)
    features, missed = features_for_series(plan.config, overview, device)
    dataset = load_planned(plan.config, source, features=features)
    choices = [*describe_data(overview, dataset, plan.config), *missed, *plan.choices]
    for choice in choices:
        listener.on_choice(choice)
    resolved = plan.config
    if plan.rate_is_open and resolved.training.length != Steps(0):
        resolved, found = _find_rate(resolved, dataset, device, listener)
        listener.on_choice(found)
        choices.append(found)
    job = prepare(resolved, dataset, device, listener)  # before the folder is made: it may refuse the network
    files = {
        CHOICES: [choice.to_dict() for choice in choices],
        ENVIRONMENT: describe_environment(device=device, seed=resolved.seed),
    }
    return job, files


def _tell_threads(config: ExperimentConfig, listener: Progress) -> None:
    asked, cores = config.training.threads, usable_cores()
    if asked and asked > cores:
        there = "there is 1 core" if cores == 1 else f"there are {cores} cores"
        listener.on_choice(Choice("threads", str(cores), f"{asked:,} were asked for, and {there}"))


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
    listener = progress or Silent()
    with _alone(Run.open(path), listener):
        return _resume(Run.open(path), dict(changes or {}), listener)


@contextmanager
def _alone(run: Run, listener: Progress) -> Iterator[None]:
    """Keep others from training this run, or tell that this place cannot."""
    with exclusively(run.path) as unlockable:
        if unlockable is not None:
            listener.on_choice(Choice("lock", "none", f"{unlockable}: do not train this run twice at once"))
        yield


def _resume(run: Run, changes: dict[str, Any], progress: Progress) -> Run:
    started = time.perf_counter() - _seconds_of_judging(run)
    with stopped_by_signals(lambda: f"stopped; the run is as it was.\n{go_on(run.path)}"):
        job = _prepare_again(run, changes, progress)
    _complete(run, job, started)
    return run


def _seconds_of_judging(run: Run) -> float:
    """What a finished run took beside its steps, whose seconds its checkpoint knows."""
    with suppress(RunError, KeyError, TypeError):
        seconds = (run.summary() or {})["seconds"]
        return float(seconds["total"] - seconds["train"])
    return 0.0


def _prepare_again(run: Run, changes: dict[str, Any], progress: Progress) -> Job:
    """Load the run's data, which must be what they were; the configuration that holds from now on is kept."""
    config = _changed(run.config, changes)
    source = config.data.source if "data.source" in changes else run.data.source
    located = replace(config, data=replace(run.data, source=source))
    device = use_device(config.training)
    _tell_threads(config, progress)
    if run.has(ENVIRONMENT):
        others = what_differs(run.read(ENVIRONMENT), describe_environment(device=device, seed=config.seed))
        if others:
            reason = f"{listed(others)}: figures may differ in their last digits from a run never moved"
            progress.on_choice(Choice("machine", "another", reason))
    dataset = _load_again(run, located, device)
    if run.has(DATASET) and dataset.fingerprint != run.read(DATASET)["fingerprint"]:
        raise RunError(
            f"{config.data.source} has changed since {run.path} began: its fingerprint differs.\n"
            "A run goes on with the same images only. Start a new one with: convscope train"
        )
    job = prepare(located, dataset, device, progress)
    _refuse_fewer_steps(run, steps_asked(job))
    run.write_config(config)
    return job


def _load_again(run: Run, located: ResolvedExperiment, device: torch.device) -> Dataset:
    source = located.data.source
    known = read_series(run) if run.has(DATASET) else None
    try:
        return load_planned(located, features=backbone_features(located, device), series=known)
    except DataError as error:
        if is_named(source) or Path(source).expanduser().exists():
            raise
        now = f"{resume_command(run.path)} --source PATH"
        raise DataError(f"{str(error).splitlines()[0]}\nWhere the images are now, says: {now}") from None


def _changed(config: ResolvedExperiment, changes: Mapping[str, Any]) -> ResolvedExperiment:
    for field in changes:
        if field not in CHANGEABLE:
            flags = [flag_of(name) for name in CHANGEABLE]
            raise UsageError(
                f"{flag_of(field)} cannot change in a run that goes on; "
                f"{', '.join(flags[:-1])} and {flags[-1]} can"
            )
    source = changes.get("data.source")
    if source is not None and not is_named(source):
        changes = {**changes, "data.source": str(Path(source).expanduser().absolute())}
    changed = resolve(override(config, dict(changes)))
    if config.data.folds is not None and changed.training.length != config.training.length:
        raise UsageError(
            "a cross-validated run cannot become longer: its folds were trained as long as it says, and "
            "would judge another classifier than the one kept. Train anew with --folds and that length"
        )
    return changed


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
    done = newest_step(run.checkpoint_folder) or 0
    if steps is not None and steps < done:
        raise UsageError(
            f"{run.path} is at step {done:,} already and cannot end at step {steps:,}: "
            "--steps and --epochs count from its beginning"
        )


def _complete(run: Run, job: Job, started: float, report: float = 0.0) -> None:
    """Everything that is still to be done in a run; `report` seconds are wanted for what follows it."""
    forget_divergence(run)
    with stopped_by_signals(lambda: _what_is_saved(run)):
        try:
            _fit_and_judge(run, job, started, report)
        except DivergedError as error:
            with suppress(RunError):  # a full disk does not hide what happened
                note_divergence(run, str(error))
            raise


def _what_is_saved(run: Run) -> str:
    step = newest_step(run.checkpoint_folder)
    if step is not None:
        saved = f"what was trained is saved, up to step {step:,}"
    else:
        saved = (
            "finished folds are saved" if (run.path / "folds").is_dir() else "there is nothing to save yet"
        )
    return f"stopped; {saved}.\n{go_on(run.path)}"


def _fit_and_judge(run: Run, job: Job, started: float, report: float) -> None:
    """Cross-validate where asked, take all steps, and judge what came of them.

    What judges is imported when there is something to judge, so that the first step does not wait for it.
    """
    scores, better, deadline, fits = None, None, None, 0.0
    length, folds = job.config.training.length, job.config.data.folds
    if isinstance(length, TimeBudget):
        from convscope.training.outcome.results import finishing_seconds

        judging, fits = finishing_seconds(job) if folds is None else (0.0, 0.0)
        deadline = started + length.seconds - judging - fits - max(LEAST_REPORT_SECONDS, report)
    if folds is not None:
        from convscope.training.folding.cross_validation import cross_validate

        scores, better = cross_validate(run, job, folds, deadline)
        job = prepare(job.config, job.dataset.all_for_training(), job.device, job.progress)
    fitted = fit(run, job, deadline=deadline, from_folds=better)
    from convscope.training.outcome.results import finish_run

    is_late = deadline is not None and time.perf_counter() > deadline + fits / 2
    finish_run(run, job, fitted, started=started, folds=scores, tries_fits=not is_late)
