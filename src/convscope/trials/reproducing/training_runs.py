"""The trainings of an experiment: ordinary runs, each made once, gone on with, or used as it is."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convscope.classifier.classifier import Classifier
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import experiment_to_dict, flat
from convscope.data.sources.opening import is_named
from convscope.errors import RunError
from convscope.evaluation.evaluating import load_divided_alike
from convscope.networks.pretrained import DEFAULT
from convscope.runs.folder import CONFIG, DATASET, Run
from convscope.training.progress import Progress
from convscope.training.start import resume_training, start_training
from convscope.wording import here

FREE = (
    *("data.source", "data.allow_broken", "data.max_pixels"),
    *("training.device", "training.threads"),
    *("training.checkpoint_every", "training.keep_checkpoints", "training.record_every"),
    *("training.validate_every", "training.record_histograms"),
)
"""What may be another in a run without making it another training."""

_NOT_USED = "It is not used. Move it away, or train elsewhere: --runs FOLDER"


def trained(config: ExperimentConfig, parent: Path, name: str, progress: Progress) -> Run:
    """The finished run of this configuration at `parent/name`: made, gone on with, or found there.

    Raises:
        RunError: another training lies there, or one of other images: it is neither used nor touched.
        ConvscopeError: as training raises them.
    """
    path = parent / name
    if path.exists() and not (path / CONFIG).is_file():
        raise RunError(f"{here(path)} is no run. Move it away, or reproduce elsewhere: --runs FOLDER")
    if not path.exists():
        return start_training(config, runs=parent, name=name, progress=progress)
    run = Run.open(path)
    _refuse_another(run, config)
    asked, had = config.data.source, run.config.data.source
    if run.summary() is None:  # going on, it looks itself whether these are its images
        return resume_training(
            path, changes={} if asked == had else {"data.source": asked}, progress=progress
        )
    if not (is_named(asked) and asked == had):
        _refuse_other_images(run, asked)
    return run


def finished(parent: Path, name: str) -> Run | None:
    """The run at `parent/name`, if it is there and finished."""
    run = Run(parent / name)
    return run if run.has(CONFIG) and run.summary() is not None else None


def what_differs(asked: ExperimentConfig, resolved: Mapping[str, Any]) -> list[str]:
    """Where a resolved configuration is not what was asked: `training.steps is 200, not 1000`."""
    had, wanted = flat(resolved), flat(experiment_to_dict(asked))
    if wanted["network.name"] == "pretrained":
        wanted["network.name"] = DEFAULT
    return [
        f"{field} is {had.get(field)!r}, not {value!r}"
        for field, value in wanted.items()
        if value is not None and field not in FREE and had.get(field) != value
    ] + _another_length(asked, had)


def _another_length(asked: ExperimentConfig, had: Mapping[str, Any]) -> list[str]:
    """A run of so many epochs is not one of so many steps; what is said twice is said once."""
    names = [
        field.name
        for field in dataclasses.fields(asked.training)
        if field.name in ("steps", "epochs", "time")
    ]
    open_here = [name for name in names if getattr(asked.training, name) is None]
    if len(open_here) == len(names):
        return []
    return [
        f"training.{name} is {had[f'training.{name}']!r}, and was not asked for"
        for name in open_here
        if had.get(f"training.{name}") is not None
    ]


def _refuse_another(run: Run, config: ExperimentConfig) -> None:
    others = what_differs(config, experiment_to_dict(run.config))
    if others:
        raise RunError(f"{here(run.path)} holds another training: {'; '.join(others[:3])}.\n{_NOT_USED}")


def _refuse_other_images(run: Run, source: str) -> None:
    """Data may have moved, or be called otherwise: what they hold says whether they are the same."""
    found = load_divided_alike(run, Classifier.load(run.path), source)
    if found.fingerprint != run.read(DATASET)["fingerprint"]:
        raise RunError(f"{here(run.path)} learned from other images than {source} has now.\n{_NOT_USED}")
