"""What a network said about the images of one split, kept with the truth: all figures are made from this."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convscope.classifier.held_out.alarms import false_alarms_by
from convscope.errors import RunError
from convscope.evaluation.calibration import Calibration, calibrate
from convscope.evaluation.confusion import Confusion, confusion_matrix
from convscope.evaluation.errors import ImageError, find_errors
from convscope.evaluation.metrics import Evaluation, evaluate_logits
from convscope.evaluation.proportion import Proportion
from convscope.evaluation.regression import Regression, evaluate_regression
from convscope.evaluation.unknown import Unknown
from convscope.runs.folder import DESCRIPTION, Run

if TYPE_CHECKING:  # whoever reads kept answers does without torch, which takes seconds to import
    from convscope.classifier.classifier import Classifier
    from convscope.classifier.target import Target
    from convscope.data.dataset import ImageSet

ImageEvaluation = Evaluation | Regression


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Answers to the images of one split, in its order, and what would have been right.

    Attributes:
        split: `test`, `validation` or `train`.
        logits: float32 `(N, K)`; for regression `(N, 1)`, the numbers in the target's unit.
        labels: `(N,)`: int64 class indices, or float32 numbers.
        ids: of each image, its path inside the source.
        hashes: of each image, the hash of its content; empty where an older run did not keep them.
        class_names: in index order; empty for regression.
        training_range: for regression, the least and the greatest number seen in training.
        folds: where each image was judged by the one of so many classifiers that had not seen it; 0 where one
            classifier judged them all.
        likeness: of each image, the share of images like those of training that are as unlike them or more,
            `(N,)`; None where that was not measured.
        likened_to: by how many images held out that is told.
        groups: of each image, the number of those that it belongs with: copies, a series of one thing, a
            group of `--group-by`; None where that was not kept.
    """

    split: str
    logits: NDArray[np.float32]
    labels: NDArray[Any]
    ids: tuple[str, ...]
    hashes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    training_range: tuple[float, float] | None = None
    folds: int = 0
    likeness: NDArray[np.float64] | None = None
    likened_to: int = 0
    groups: NDArray[np.int64] | None = None

    @staticmethod
    def of(target: Target, logits: NDArray[np.float32], images: ImageSet, split: str) -> Predictions:
        """From the outputs `(N, num_outputs)` that `Classifier.logits` gives for a split's images."""
        is_number = target.task == "regression"
        return Predictions(
            split=split,
            logits=logits,
            labels=images.labels.numpy().astype(np.float32 if is_number else np.int64),
            ids=images.ids,
            hashes=images.hashes,
            class_names=target.class_names,
            training_range=(target.low, target.high) if is_number else None,
            groups=np.array(images.clusters, dtype=np.int64) if len(images.clusters) == len(images) else None,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_regression(self) -> bool:
        """Whether the answers are numbers."""
        return not self.class_names

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class of the greatest logit, `(N,)`."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @property
    def values(self) -> NDArray[np.float32]:
        """Regression: the numbers answered, `(N,)`."""
        return self.logits[:, 0]

    @cached_property
    def evaluation(self) -> ImageEvaluation:
        """Everything that is said about these answers.

        Raises:
            DataError: the arrays do not fit each other.
            DivergedError: an answer is not finite.
        """
        if self.is_regression:
            return self.regression
        return evaluate_logits(self.logits, self.labels, self.ids, self.class_names)

    @cached_property
    def accuracy(self) -> Proportion:
        """How many are right."""
        return Proportion(int((self.predicted == self.labels).sum()), len(self.labels))

    @property
    def false_alarms(self) -> float:
        """Images of at most this likeness are unknown: so many of those that are like training's."""
        return false_alarms_by(self.likened_to)

    @property
    def is_unknown(self) -> NDArray[np.bool_]:
        """Of each image, whether the answer is "unknown", `(N,)`; of none where that was not measured."""
        if self.likeness is None:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(self.likeness <= self.false_alarms)

    @property
    def unknown(self) -> Unknown | None:
        """How many images are answered "unknown"; None where not measured, or of too few held out."""
        if self.likeness is None or not self.false_alarms:
            return None
        share = Proportion(int(self.is_unknown.sum()), len(self))
        return Unknown(share, self.false_alarms, None if self.is_regression else self._accuracy_of_known)

    @property
    def _accuracy_of_known(self) -> Proportion:
        known = ~self.is_unknown
        return Proportion(int((self.predicted == self.labels)[known].sum()), int(known.sum()))

    @cached_property
    def confusion(self) -> Confusion:
        """Which class is taken for which."""
        return confusion_matrix(self.predicted, self.labels, self.class_names)

    @cached_property
    def errors(self) -> tuple[ImageError, ...]:
        """All errors, in the split's order."""
        return find_errors(self.logits, self.labels, self.ids, self.class_names)

    @cached_property
    def calibration(self) -> Calibration:
        """Whether its confidence is to be believed."""
        return calibrate(self.logits, self.labels)

    @cached_property
    def regression(self) -> Regression:
        """How far off the numbers are."""
        numbers = self.labels.astype(np.float32)
        return evaluate_regression(self.values, numbers, self.ids, self.training_range)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As they are kept in a run."""
        arrays: dict[str, NDArray[Any]] = {
            "logits": self.logits,
            "labels": self.labels,
            "ids": np.array(self.ids, dtype=np.str_),
            "hashes": np.array(self.hashes, dtype=np.str_),
            "classes": np.array(self.class_names, dtype=np.str_),
            "folds": np.array(self.folds),
        }
        if self.training_range is not None:
            arrays["training_range"] = np.array(self.training_range)
        if self.likeness is not None:
            arrays |= {"likeness": self.likeness, "likened_to": np.array(self.likened_to)}
        if self.groups is not None:
            arrays["groups"] = self.groups
        return arrays


def predict_images(classifier: Classifier, images: ImageSet, split: str) -> Predictions:
    """What a classifier says of a split's images."""
    logits, likeness = classifier.judge(images.images)
    predictions = Predictions.of(classifier.target, logits.numpy(), images, split)
    if likeness is None or classifier.held_out is None:
        return predictions
    return replace(predictions, likeness=likeness, likened_to=len(classifier.held_out.unlikeness))


def write_predictions(run: Run, predictions: Predictions) -> None:
    """Keep them as `predictions/<split>.npz`."""
    run.write_arrays(_name(predictions.split), predictions.to_arrays())


def has_predictions(run: Run, split: str) -> bool:
    """Whether a run keeps predictions of a split."""
    return run.has(_name(split))


def read_predictions(run: Run, split: str) -> Predictions:
    """What `write_predictions` kept; of an older run, logits, labels and ids, and the rest from beside them.

    Raises:
        RunError: there are none, or the file is damaged.
    """
    arrays = run.read_arrays(_name(split))
    try:
        return _from_arrays(run, split, arrays)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise RunError(f"{run.path / _name(split)} is damaged: {error}") from None


def _from_arrays(run: Run, split: str, arrays: dict[str, NDArray[Any]]) -> Predictions:
    ids = tuple(str(name) for name in arrays["ids"])
    target = run.read(DESCRIPTION).get("target", {}) if run.has(DESCRIPTION) else {}
    is_number = target.get("task") == "regression"
    training_range = arrays.get("training_range", (target["low"], target["high"]) if is_number else None)
    named = () if is_number else target.get("class_names") or range(arrays["logits"].shape[1])
    hashes = arrays["hashes"] if "hashes" in arrays else _hashes_in_splits(run, split, ids)
    return Predictions(
        split=split,
        logits=arrays["logits"],
        labels=arrays["labels"],
        ids=ids,
        hashes=tuple(str(content) for content in hashes),
        class_names=tuple(str(name) for name in arrays.get("classes", named)),
        training_range=None
        if training_range is None
        else (float(training_range[0]), float(training_range[1])),
        folds=int(arrays.get("folds", 0)),
        likeness=arrays.get("likeness"),
        likened_to=int(arrays.get("likened_to", 0)),
        groups=arrays.get("groups"),
    )


def _hashes_in_splits(run: Run, split: str, ids: Sequence[str]) -> list[str]:
    """From `splits.csv`; nothing where not every image is in it."""
    if not run.has("splits.csv"):
        return []
    with (run.path / "splits.csv").open(newline="", encoding="utf-8") as file:
        content_of = {row["path"]: row["content"] for row in csv.DictReader(file) if row["split"] == split}
    return [content_of[name] for name in ids] if set(ids) <= set(content_of) else []


def _name(split: str) -> str:
    return f"predictions/{split}.npz"
