"""Run folders with answers of our choosing: what a comparison reads, without a training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.evaluation.predictions import Predictions, write_predictions
from convscope.runs.folder import DATASET, SUMMARY, Run

CLASSES = ("ant", "bee", "wasp")
RESOLVED = {
    "data.task": "classification",
    "preprocessing.size": 8,
    "preprocessing.channels": 1,
    "preprocessing.fit": "pad",
    "preprocessing.centre": "none",
    "preprocessing.scale": True,
    "augmentation.preset": "none",
    "network.name": "linear",
    "training.steps": 10,
    "training.batch_size": 8,
    "training.optimizer": "adam",
    "training.learning_rate": 0.01,
    "training.weight_decay": 0.0,
    "training.schedule": "constant",
    "training.label_smoothing": 0.0,
    "training.balance": "none",
}


def answers(
    right: Sequence[bool], *, classes: Sequence[str] = CLASSES, first: int = 0, sure: float = 3.0
) -> Predictions:
    """Answers to images `first`, `first + 1` …, each right or wrong; the truth goes round the classes."""
    n = len(right)
    labels = np.arange(first, first + n) % len(classes)
    given = np.where(right, labels, (labels + 1) % len(classes))
    logits = np.zeros((n, len(classes)), dtype=np.float32)
    logits[np.arange(n), given] = sure
    return Predictions(
        split="test",
        logits=logits,
        labels=labels,
        ids=tuple(f"{row}.png" for row in range(first, first + n)),
        hashes=tuple(f"content-{row}" for row in range(first, first + n)),
        class_names=tuple(classes),
    )


def numbers(given: Sequence[float], true: Sequence[float]) -> Predictions:
    """Answers that are numbers."""
    return Predictions(
        split="test",
        logits=np.array(given, dtype=np.float32)[:, None],
        labels=np.array(true, dtype=np.float32),
        ids=tuple(f"{row}.png" for row in range(len(true))),
        hashes=tuple(f"content-{row}" for row in range(len(true))),
        training_range=(0.0, 10.0),
    )


def make_run(path: Path, judged: Predictions | Sequence[Predictions], **changes: Any) -> Path:
    """A finished run that answered so; several predictions are those of its folds."""
    several = not isinstance(judged, Predictions)
    folds = {"data.folds": len(judged)} if several else {}
    fields = {name.replace("__", "."): value for name, value in changes.items()}
    config = override(ExperimentConfig(), RESOLVED | folds | fields)
    run = Run.create(path.parent, config, data_name="made", name=path.name)
    run.write(SUMMARY, {"network": "linear", "steps": 10, "parameters": 30, "seconds": {"train": 2.0}})
    run.write(DATASET, {"sizes": {"train": 100}})
    if isinstance(judged, Predictions):
        write_predictions(run, judged)
        return run.path
    for number, each in enumerate(judged, start=1):
        write_predictions(Run(run.path / "folds" / f"repeat-1-fold-{number}"), replace(each, split="test"))
    return run.path


@pytest.fixture
def group(tmp_path: Path) -> Callable[..., Path]:
    """A name and the right answers of each seed → a group of runs."""

    def make(name: str, right: Sequence[Sequence[bool]], **changes: Any) -> Path:
        for seed, each in enumerate(right):
            make_run(
                tmp_path / name / f"seed-{seed}", answers(each), seed=seed, data__split_seed=0, **changes
            )
        return tmp_path / name

    return make
