"""What the images held out teach about a finished classifier: its temperature, and what it does not know.

All of it is measured with passes that are made anyway, but for the features of a few training images.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from convscope.classifier.backbone import Backbone
from convscope.classifier.classifier import Classifier
from convscope.classifier.held_out.familiarity import Familiarity, most_images
from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.held_out.storage import Taught
from convscope.data.dataset import ImageSet
from convscope.errors import UsageError
from convscope.evaluation.held_out import pool_folds
from convscope.evaluation.predictions import Predictions, predict_images, read_predictions
from convscope.evaluation.temperature import Temperature, fit_temperature, temper_by_others
from convscope.runs.checkpoints import find_checkpoint
from convscope.runs.folder import HELD_OUT, Run
from convscope.training.fine_tuning.features import find_features, outputs_of_features

FEWEST_SEEN = 100
SHARE_OF_TRAINING = 0.04
"""Of the images that training has passed there and back: passing so many once more takes 2 % of its time."""
CHUNK = 256
CHECKED = 2
"""Images on which the network's own outputs are compared with those of its backbone and head."""


class Answered(NamedTuple):
    """Logits `(N, K)` of images, and how unlike training images each is, `(N,)`; empty where not known."""

    logits: NDArray[np.float32]
    unlikeness: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """A finished classifier, and what its training images are to it.

    Attributes:
        classifier: as training left it.
        familiarity: None where the network has no head of its own, and nothing is known.
    """

    classifier: Classifier
    familiarity: Familiarity | None = None

    def answer(self, images: ImageSet) -> Answered:
        """Logits, and how unlike training images each image is, from one pass."""
        network, preprocessing = self.classifier.network, self.classifier.preprocessing
        if self.familiarity is None:
            return Answered(self.classifier.logits(images.images).numpy(), np.empty(0))
        outputs, unlikeness = Backbone.of(network).compute_answers(
            preprocessing, images.images, self.familiarity
        )
        return Answered(self.classifier.target.scaled(outputs).numpy(), unlikeness.numpy())

    def answer_by_features(self, images: ImageSet) -> Answered:
        """The same of a frozen backbone, whose features are known or kept for others to come."""
        if self.classifier.preprocessing.mirrored:  # whose answers are not of one image's features alone
            return self.answer(images)
        network = self.classifier.network
        features = find_features(network, self.classifier.preprocessing, images.images)
        logits = self.classifier.target.scaled(outputs_of_features(network, features)).numpy()
        if self.familiarity is None:
            return Answered(logits, np.empty(0))
        unlike = [
            self.familiarity.unlikeness(features[start : start + CHUNK], images.images[start : start + CHUNK])
            for start in range(0, len(images), CHUNK)
        ]
        return Answered(logits, torch.cat(unlike).numpy())


def unlikeness_of(name: str) -> str:
    """Where a fold keeps how unlike its training images those held out are, by one of its candidates."""
    return f"predictions/unlikeness-{name}.npz"


def look_at_training(classifier: Classifier, train: ImageSet, *, epochs: float, has_features: bool) -> Seen:
    """What some of the training images are to a finished classifier.

    Args:
        classifier: as training left it, without what an earlier end of the run taught it.
        train: the training images.
        epochs: how often training saw each: of a short training, fewer are looked at.
        has_features: whether their features are known already.
    """
    classifier = replace(classifier, held_out=None, target=replace(classifier.target, temperature=1.0))
    if not len(train):
        return Seen(classifier=classifier)
    network, preprocessing = classifier.network, classifier.preprocessing
    try:
        backbone = Backbone.of(network)
    except UsageError:  # its last layer is no linear one
        return Seen(classifier=classifier)
    few = preprocessing.standardise(train.images[:CHECKED].to(backbone.head.weight.device))
    if not backbone.gives_outputs_of(network, few):
        return Seen(classifier=classifier)
    most = most_images(backbone.head.in_features)
    if not has_features:
        most = min(most, max(FEWEST_SEEN, int(SHARE_OF_TRAINING * epochs * len(train))))
    some = train.images.take(torch.linspace(0, len(train) - 1, min(most, len(train))).long())
    features = (
        find_features(network, preprocessing, some)
        if has_features
        else backbone.compute_features(preprocessing, some)
    )
    return Seen(classifier=classifier, familiarity=Familiarity.of(features, some[:]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesson:
    """What was learned from images held out.

    Attributes:
        classifier: the one that knows it.
        temperature: what was fitted; None where the images are too few, or numbers are answered.
        predictions: its answers to these images; None where no image was held out.
    """

    classifier: Classifier
    temperature: Temperature | None = None
    predictions: Predictions | None = None

    def predict(self, images: ImageSet, split: str, *, by_features: bool) -> Predictions:
        """What it says of a split's images; `by_features` of a frozen backbone, where they are known."""
        if not by_features:
            return predict_images(self.classifier, images, split)
        held_out = self.classifier.held_out
        familiarity = None if held_out is None else held_out.familiarity
        answered = Seen(classifier=self.classifier, familiarity=familiarity).answer_by_features(images)
        predictions = Predictions.of(self.classifier.target, answered.logits, images, split)
        if held_out is None or familiarity is None:
            return predictions
        likeness = held_out.likeness(answered.unlikeness)
        return replace(predictions, likeness=likeness, likened_to=len(held_out.unlikeness))

    def to_dict(self) -> dict[str, Any]:
        """For `summary.json`."""
        held_out = self.classifier.held_out
        return {
            "temperature": None if self.temperature is None else self.temperature.to_dict(),
            "held_out": None if held_out is None else held_out.to_dict(),
        }


def teach(
    seen: Seen,
    answered: Predictions,
    unlikeness: NDArray[np.float64],
    parts: NDArray[np.int64] | None = None,
) -> Lesson:
    """Teach a classifier what answers to images held out from it say.

    Args:
        seen: the classifier as training left it.
        answered: raw answers to the images held out.
        unlikeness: how unlike the training images each of them is, `(N,)`; empty where it was not measured.
        parts: of a cross-validation, which fold each image was held out from.
    """
    if answered.is_regression:
        temperature, tempered = None, answered
    else:
        temperature = fit_temperature(answered.logits, answered.labels, parts)
        tempered = _tempered(seen.classifier, answered, temperature, parts)
    target = replace(seen.classifier.target, temperature=temperature.value if temperature else 1.0)
    known = seen.familiarity is not None and len(unlikeness) > 0
    held_out = HeldOut(
        **_probabilities(tempered),
        unlikeness=np.sort(unlikeness),
        familiarity=seen.familiarity if known else None,
        folds=answered.folds,
    )
    classifier = replace(seen.classifier, target=target, held_out=held_out)
    likeness = held_out.likeness(unlikeness) if known else None
    return Lesson(
        classifier=classifier,
        temperature=temperature,
        predictions=replace(tempered, likeness=likeness, likened_to=len(unlikeness)),
    )


def teach_by_folds(seen: Seen, run: Run) -> Lesson:
    """Teach the classifier of a cross-validated run what its folds said of the images held out from them."""
    answered = pool_folds(run)
    folds = [Run(run.path / "folds" / f"repeat-1-fold-{number + 1}") for number in range(answered.folds)]
    sizes = [len(read_predictions(fold, "test")) for fold in folds]
    known = [
        fold.read_arrays(unlikeness_of("test"))["unlikeness"]
        for fold in folds
        if fold.has(unlikeness_of("test"))
    ]
    unlikeness = np.concatenate(known) if known else np.empty(0)
    if len(unlikeness) != len(answered):  # a fold is of an older version, or its network has no head
        unlikeness = np.empty(0)
    return teach(seen, answered, unlikeness, np.repeat(np.arange(answered.folds), sizes))


def keep_lesson(run: Run, lesson: Lesson, kept: str) -> None:
    """Keep in the run what was learned about one of its checkpoints."""
    held_out = lesson.classifier.held_out
    if held_out is None:
        return
    taught = Taught(
        held_out=held_out,
        temperature=lesson.classifier.target.temperature,
        checkpoint=find_checkpoint(run.checkpoint_folder, kept).name,
    )
    run.write_bytes(HELD_OUT, taught.to_bytes())


def _tempered(
    classifier: Classifier,
    answered: Predictions,
    temperature: Temperature | None,
    parts: NDArray[np.int64] | None,
) -> Predictions:
    """The answers at the temperature; those of folds each at what the other folds ask for."""
    if temperature is None or not temperature.is_kept:
        return answered
    if parts is not None:
        return replace(answered, logits=temper_by_others(answered.logits, answered.labels, parts))
    target = replace(classifier.target, temperature=temperature.value)
    return replace(answered, logits=target.scaled(torch.from_numpy(answered.logits)).numpy())


def _probabilities(answered: Predictions) -> dict[str, NDArray[Any]]:
    if answered.is_regression:
        return {"confidence": np.empty(0), "true": np.empty(0), "right": np.empty(0, dtype=np.bool_)}
    probabilities = softmax(answered.logits.astype(np.float64), axis=1)
    return {
        "confidence": probabilities.max(axis=1),
        "true": probabilities[np.arange(len(answered)), answered.labels],
        "right": answered.predicted == answered.labels,
    }
