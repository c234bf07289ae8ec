"""Evaluate a run, or a saved classifier, on a split of its data or on other data."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from convscope.classifier.classifier import Classifier
from convscope.config.asked import DataConfig
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.loading import load_dataset
from convscope.data.quarantine import Quarantined
from convscope.errors import DataError, RunError, UsageError
from convscope.evaluation.corrected import REMOVED, BothWays, judge_both_ways, read_both_ways
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import ImageEvaluation, Predictions, predict_images
from convscope.evaluation.series import read_series
from convscope.evaluation.together import judged_together
from convscope.runs.folder import DATASET, DESCRIPTION, Run
from convscope.wording import command, some

SPLITS = ("test", "validation", "train")
NAMED_BROKEN = 3


@dataclass(frozen=True)
class PathEvaluation:
    """An evaluation, and what it was made on.

    Attributes:
        run: the run or classifier folder.
        data: the source of the images.
        split: `test`, `validation` or `train`.
        evaluation: the figures.
        notes: what a reader should know, a sentence each.
        quarantined: files of the source that cannot be used, and are in no figure.
        mirrored: the same with each answer averaged over the image and its mirror image, where asked for.
        judged: the answers that the figures are made of.
        both: of the run's own images, the figures by the labels of the source too, where some were corrected.
    """

    run: str
    data: str
    split: str
    evaluation: ImageEvaluation
    notes: tuple[str, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    mirrored: ImageEvaluation | None = None
    judged: Predictions | None = None
    both: BothWays | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the figures stand under the split's name."""
        unknown = None if self.judged is None else self.judged.unknown
        apart = {} if self.mirrored is None else {"test_time_augmentation": self.mirrored.to_dict()}
        return {
            "run": self.run,
            "data": self.data,
            self.split: self.evaluation.to_dict(),
            **apart,
            **({} if self.both is None else {"corrections": {"figures": self.both.to_dict()}}),
            "unknown": None if unknown is None else unknown.to_dict(),
            "notes": list(self.notes),
            "quarantined": [{"path": entry.path, "reason": entry.reason} for entry in self.quarantined],
        }


def evaluate_path(
    path: Path | str,
    data: str | None = None,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    allow_broken: bool = False,
    max_pixels: int | None = None,
    test_time_augmentation: bool = False,
) -> PathEvaluation:
    """Evaluate the classifier at `path`; changes nothing, in the run or in the classifier.

    With `test_time_augmentation` it is also evaluated on answers that are averaged over each image and its
    mirror image; those figures stand apart, since `predict` answers without. A cross-validated run was fitted
    on all its images: its own test figures are those of the images that each fold held out.

    Args:
        path: a run, or a folder that a classifier was saved to.
        data: other images; the run's own unless given.
        split: `test`, `validation` or `train`.
        checkpoint: as in `Classifier.load`.
        ignore_unknown: leave images of classes that the classifier does not know out.
        allow_broken: go on though more than 5 % of the files cannot be used.
        max_pixels: leave files of more pixels out; None for as many as in training.
        test_time_augmentation: evaluate with mirror images as well.

    Raises:
        UsageError: for a split that does not exist.
        DataError: when classes are unknown to the classifier, too many files are broken, or none is left.
        RunError: when there is no classifier at `path`, or it has no data of its own and none is given.
    """
    if split not in SPLITS:
        raise UsageError(f"--split: '{split}' is not a split; it takes test, validation or train")
    path = Path(path)
    if data is None and max_pixels is not None:
        raise UsageError(
            f"--max-pixels is for other images: {command('convscope', 'evaluate', path, 'DATA')}"
        )
    if data is None and _is_cross_validated(path):
        return _evaluate_folds(path, split, checkpoint, test_time_augmentation)
    classifier = Classifier.load(path, checkpoint).reading_up_to(max_pixels)
    dataset = (
        _held_out_data(path, classifier)
        if data is None
        else _other_data(data, classifier, ignore_unknown=ignore_unknown, allow_broken=allow_broken)
    )
    images = dataset.splits[split]
    if not len(images):
        raise UsageError(_without(dataset, split, own=data is None))
    judged = predict_images(classifier, images, split)
    mirrored = None
    if test_time_augmentation:
        averaged = average_outputs(
            classifier, judged.logits, classifier.logits(images.images.mirror()).numpy()
        )
        mirrored = replace(judged, logits=averaged).evaluation
    seen = [] if data is None else _seen_in_training(path, images)
    together = judged_together(judged)
    return PathEvaluation(
        str(path),
        data or dataset.name,
        split,
        judged.evaluation,
        (*dataset.notes, *([together.said] if together else []), *_left_out(dataset.quarantined), *seen),
        dataset.quarantined,
        mirrored,
        judged,
        _both_ways(judged, dataset, classifier),
    )


def _both_ways(judged: Predictions, dataset: Dataset, classifier: Classifier) -> BothWays | None:
    """By the labels of the source, too; images that corrections leave out would be among the test's."""
    removed = dataset.removed if judged.split == "test" else None
    answers = predict_images(classifier, removed, REMOVED) if removed is not None and len(removed) else None
    return judge_both_ways(judged, dataset.corrected, answers)


def _without(dataset: Dataset, split: str, *, own: bool) -> str:
    """What to do where a split holds no image."""
    others = [name for name in SPLITS if len(dataset.splits[name])]
    said = f"--split: {dataset.name} has no {split} images; it has {' and '.join(others)}"
    kept = "\nTo be judged on images it never met, train with --folds 5, or --test-fraction 0.2"
    return said + (kept if own and split == "test" else "")


def _is_cross_validated(path: Path) -> bool:
    return (path / DESCRIPTION).is_file() and Run.open(path).config.data.folds is not None


def _evaluate_folds(path: Path, split: str, checkpoint: str, mirrored: bool) -> PathEvaluation:
    """What the folds said about the images held out from them, which the run keeps."""
    run = Run.open(path)
    held_out = read_held_out(run)
    if split != "test" or checkpoint != "final" or mirrored:
        what = f"--split {split}" if split != "test" else f"--checkpoint {checkpoint}"
        raise UsageError(
            f"{path} is cross-validated: what was held out was judged by the classifiers of its folds, which "
            f"are not kept, and {'--test-time-augmentation' if mirrored else what} needs them.\n"
            f"Leave it out, or evaluate on other images: {command('convscope', 'evaluate', path, 'DATA')}"
        )
    data = run.config.data
    times = f", {data.repeats} times, of which this is the first" if data.repeats > 1 else ""
    note = (
        f"{held_out.folds}-fold cross-validation{times}: each of the {len(held_out):,} images is judged by "
        "the one of its classifiers that had not seen it; the classifier kept is fitted on all of them"
    )
    broken = tuple(Quarantined(each["path"], each["reason"]) for each in run.read(DATASET)["quarantined"])
    together = judged_together(held_out)
    notes = (note, *([together.said] if together else []), *_left_out(broken))
    both = read_both_ways(run, held_out)
    return PathEvaluation(
        str(path), data.source, split, held_out.evaluation, notes, broken, judged=held_out, both=both
    )


def _left_out(quarantined: Sequence[Quarantined]) -> list[str]:
    """One sentence for the files that are in no figure, naming the first."""
    if not quarantined:
        return []
    named = ", ".join(f"{entry.path} ({entry.reason})" for entry in quarantined[:NAMED_BROKEN])
    rest = len(quarantined) - NAMED_BROKEN
    files = some(len(quarantined), "file")
    return [f"{files} left out of these figures: {named}{f' and {rest:,} more' if rest > 0 else ''}"]


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

    The classifier of a cross-validated run was fitted on all its images: they are all in the training split.

    Raises:
        RunError: when there is no run at `path`.
        DataError: when its data are no longer there, have changed since, or cannot be used.
    """
    run = Run.open(path)
    config = run.config
    dataset = load_divided_alike(run, classifier, run.data.source)
    if dataset.fingerprint != run.read(DATASET)["fingerprint"]:
        # Divided anew, today's test images may be among those that were trained on, and classes may shift.
        raise DataError(
            f"{config.data.source} has changed since {path} was trained on it: its splits differ now.\n"
            f"Evaluate on images that it never saw: {command('convscope', 'evaluate', path, 'DATA')}"
        )
    return dataset if config.data.folds is None else dataset.all_for_training()


def load_divided_alike(run: Run, classifier: Classifier, source: str) -> Dataset:
    """The images that lie at `source` now, read and divided as a run's own were.

    Raises:
        DataError: they are not there, or cannot be used.
    """
    preprocessing = classifier.preprocessing
    return load_dataset(
        replace(run.data, source=source),
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=run.config.split_seed,
        reading=classifier.reading,
        series=read_series(run),
    )


def _held_out_data(path: Path, classifier: Classifier) -> Dataset:
    """The run's data, some of which was kept from training."""
    if not (path / DESCRIPTION).is_file():
        raise RunError(
            f"{path} has no data of its own. Say on what: {command('convscope', 'evaluate', path, 'DATA')}"
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


def _other_data(source: str, classifier: Classifier, *, ignore_unknown: bool, allow_broken: bool) -> Dataset:
    """Other images, classes matched by name; what has no split of its own is all for the test."""
    preprocessing = classifier.preprocessing
    return load_dataset(
        DataConfig(
            source=source,
            task=classifier.target.task,
            allow_broken=allow_broken,
            max_pixels=classifier.reading.max_pixels,
        ),
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=0,
        reading=classifier.reading,
        known_classes=classifier.class_names or None,
        ignore_unknown=ignore_unknown,
        divided=False,
    )
