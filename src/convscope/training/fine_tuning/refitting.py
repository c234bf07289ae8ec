"""The head of a pretrained network fitted again on features that are kept: for labels that changed since."""

import time
from pathlib import Path
from typing import Any

from convscope.config.experiment_file import override
from convscope.config.resolved import ResolvedExperiment, resolve
from convscope.runs.environment import describe_environment
from convscope.runs.folder import CHOICES, ENVIRONMENT, Run
from convscope.runs.lock import exclusively
from convscope.training.device import use_device
from convscope.training.fit import fit
from convscope.training.folding.cross_validation import cross_validate
from convscope.training.outcome.manifest import write_dataset
from convscope.training.outcome.results import finish_run
from convscope.training.preparation import load_planned, prepare
from convscope.training.progress import Choice, Progress


def fit_head_again(
    config: ResolvedExperiment, *, runs: Path, name: str, told: Choice, progress: Progress
) -> Run:
    """A run that is a pretrained network's exact head alone: no step, and no pass for features that are kept.

    Args:
        config: of the run whose head it is, with the labels as they are to be.
        runs: where the run is made.
        name: of the run.
        told: why it is made, kept as the first of its choices.
        progress: who listens.

    Raises:
        UsageError, DataError, RunError: see `convscope.errors`.
    """
    started = time.perf_counter()
    changes: dict[str, Any] = {"training.steps": 0, "training.frozen": True, "training.early_stopping": None}
    config = resolve(override(config, changes))
    device = use_device(config.training)
    dataset = load_planned(config)
    job = prepare(config, dataset, device, progress)
    files = {
        CHOICES: [told.to_dict()],
        ENVIRONMENT: describe_environment(device=device, seed=config.seed),
    }
    run = Run.create(runs, config, data_name=dataset.name, name=name, files=files)
    progress.on_choice(told)
    with exclusively(run.path):
        write_dataset(run, dataset, job.classifier.preprocessing)
        scores, better = None, None
        if config.data.folds is not None:
            scores, better = cross_validate(run, job, config.data.folds, None)
            job = prepare(config, dataset.all_for_training(), device, progress)
        fitted = fit(run, job, from_folds=better)
        finish_run(run, job, fitted, started=started, folds=scores, by_head=True)
    return run
