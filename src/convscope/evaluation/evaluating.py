"""Evaluate a run, or a saved classifier, on a split of its data or on other data."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from convscope.classifier.classifier import DESCRIPTION, Classifier
from convscope.config.asked import DataConfig
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.loading import load_dataset
from convscope.errors import DataError, RunError, UsageError
from convscope.evaluation.measuring import ImageEvaluation, evaluate_outputs
from convscope.runs.folder import Run

SPLITS = ("test", "validation", "train")


@dataclass(frozen=True)
class PathEvaluation:
    """An evaluation, and what it was made on.

    Attributes:
        run: the run or classifier folder.
        data: the source of the images.
        split: `test`, `validation` or `train`.
        evaluation: the figures.
        notes: what a reader should know, a sentence each.
        mirrored: the same with each answer averaged over the image and its mirror image, where asked for.
    """

    run: str
    data: str
    split: str
    evaluation: ImageEvaluation
    notes: tuple[str, ...] = ()
    mirrored: ImageEvaluation | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the figures stand under the split's name."""
        apart = {} if self.mirrored is None else {"test_time_augmentation": self.mirrored.to_dict()}
        return {
            "run": self.run,
            "data": self.data,
            self.split: self.evaluation.to_dict(),
            **apart,
            "notes": list(self.notes),
        }


def evaluate_path(
    path: Path | str,
    data: str | None = None,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    test_time_augmentation: bool = False,
) -> PathEvaluation:
    """Evaluate the classifier at `path`; changes nothing, in the run or in the classifier.

    With `test_time_augmentation` it is also evaluated on answers that are averaged over each image and its
    mirror image; those figures stand apart, since `predict` answers without.

    Raises:
        UsageError: for a split that does not exist.
        DataError: when classes are unknown to the classifier, or there is no image.
        RunError: when there is no classifier at `path`, or it has no data of its own and none is given.
    """
    if split not in SPLITS:
        raise UsageError(f"--split: '{split}' is not a split; it takes test, validation or train")
    path = Path(path)
    classifier = Classifier.load(path, checkpoint)
    dataset = (
        _held_out_data(path, classifier) if data is None else _other_data(data, classifier, ignore_unknown)
    )
    images = dataset.splits[split]
    if not len(images):
        raise UsageError(f"--split: {dataset.name} has no {split} images")
    outputs = classifier.logits(images.images).numpy()
    evaluation = evaluate_outputs(classifier.target, outputs, images)
    notes = dataset.notes if data is None else (*dataset.notes, *_seen_in_training(path, images))
    mirrored = None
    if test_time_augmentation:
        averaged = average_outputs(classifier, outputs, classifier.logits(images.images.flip(-1)).numpy())
        mirrored = evaluate_outputs(classifier.target, averaged, images)
    return PathEvaluation(str(path), data or dataset.name, split, evaluation, notes, mirrored)


def average_outputs(
    classifier: Classifier, first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Two answers `(N, num_outputs)` to the same images, averaged: as log probabilities, or as numbers."""
    if classifier.target.task == "regression":
        return ((first + second) / 2).astype(np.float32)
    logarithms = np.stack([log_softmax(first, axis=1), log_softmax(second, axis=1)])
    averaged: NDArray[np.float32] = (logsumexp(logarithms, axis=0) - np.log(2)).astype(np.float32)
    return averaged


def load_own_data(path: Path, classifier: Classifier) -> Dataset:
    """The data of the run at `path`, divided as in training.

    Where a run was fitted on all its images the splits are what they would have been without folds.

    Raises:
        RunError: when there is no run at `path`.
        DataError: when its data are no longer there, have changed since, or cannot be used.
    """
    run = Run.open(path)
    config = run.config
    preprocessing = classifier.preprocessing
    dataset = load_dataset(
        config.data,
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=config.seed,
    )
    known = run.read("dataset.json")["fingerprint"] if config.data.folds is None else dataset.fingerprint
    if dataset.fingerprint != known:
        # Divided anew, today's test images may be among those that were trained on, and classes may shift.
        raise DataError(
            f"{config.data.source} has changed since {path} was trained on it: its splits differ now.\n"
            f"Evaluate on images that it never saw: convscope evaluate {path} DATA"
        )
    return dataset


def _held_out_data(path: Path, classifier: Classifier) -> Dataset:
    """The run's data, if some of it was kept from training."""
    if not (path / DESCRIPTION).is_file():
        raise RunError(f"{path} has no data of its own. Say on what: convscope evaluate {path} DATA")
    if Run.open(path).config.data.folds is not None:
        raise RunError(
            f"{path} was fitted on all its images; none is left to evaluate it on. See its folds.\n"
            f"On other images: convscope evaluate {path} DATA"
        )
    return load_own_data(path, classifier)


def _seen_in_training(path: Path, images: ImageSet) -> list[str]:
    """A warning when images were in the run's training split, judged by their content."""
    splits = path / "splits.csv"
    if not splits.is_file():
        return []
    with splits.open(newline="", encoding="utf-8") as file:
        trained_on = {row["content"] for row in csv.DictReader(file) if row["split"] == "train"}
    seen = sum(content in trained_on for content in images.hashes)
    return [f"{seen:,} of these {len(images):,} images were trained on: the figures flatter"] if seen else []


def _other_data(source: str, classifier: Classifier, ignore_unknown: bool) -> Dataset:
    """Other images, classes matched by name; what has no split of its own is all for the test."""
    preprocessing = classifier.preprocessing
    return load_dataset(
        DataConfig(source=source, task=classifier.target.task),
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=0,
        known_classes=classifier.class_names or None,
        ignore_unknown=ignore_unknown,
        divided=False,
    )
