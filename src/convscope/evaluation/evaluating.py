"""Evaluate a run, or a saved classifier, on a split of its data or on other data."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.config.experiment import DataConfig
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.loading import load_dataset
from convscope.errors import RunError, UsageError
from convscope.evaluation.classifier import DESCRIPTION, Classifier
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
    """

    run: str
    data: str
    split: str
    evaluation: ImageEvaluation
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the figures stand under the split's name."""
        return {
            "run": self.run,
            "data": self.data,
            self.split: self.evaluation.to_dict(),
            "notes": list(self.notes),
        }


def evaluate_path(
    path: Path | str,
    data: str | None = None,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
) -> PathEvaluation:
    """Evaluate the classifier at `path`; changes nothing, in the run or in the classifier.

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
    return PathEvaluation(str(path), data or dataset.name, split, evaluation, notes)


def load_own_data(path: Path, classifier: Classifier) -> Dataset:
    """The data of the run at `path`, divided as in training.

    Where a run was fitted on all its images the splits are what they would have been without folds.

    Raises:
        RunError: when there is no run at `path`.
        DataError: when its data are no longer there, or cannot be used.
    """
    config = Run.open(path).config
    preprocessing = classifier.preprocessing
    return load_dataset(
        config.data,
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=config.seed,
    )


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
