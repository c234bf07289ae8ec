"""What the rules of a diagnosis are put to: measured when a rule first asks, and once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.standardising import preprocessing_for
from convscope.config.resolved import ResolvedExperiment
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.diagnosis.copies import Neighbours, Pair, neighbours, shared_images
from convscope.diagnosis.measuring import (
    logits_by_batch,
    looks_of,
    moved_weights,
    plain_features,
    pool,
    predict_covered,
    tell_by_file,
    tell_splits_apart,
)
from convscope.diagnosis.of_run import recorded_accuracy
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.ending import Ending
from convscope.diagnosis.telling import HalfTest, half_test
from convscope.errors import ConvscopeError
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import (
    Predictions,
    has_predictions,
    predict_images,
    read_predictions,
)
from convscope.evaluation.proportion import Proportion
from convscope.inspection.signals.dead_units import DeadUnits, dead_units
from convscope.inspection.signals.passage import Passage, pass_there_and_back
from convscope.looking.subject import spread
from convscope.networks.pretrained import Pretraining, is_pretrained, pretraining_of
from convscope.networks.whitened_vgg import WhitenedVGG
from convscope.runs.advice import resume_command
from convscope.runs.folder import Run
from convscope.runs.records import Record

MOST_JUDGED = 1500
_SMALL = 64
_FEW, _FEW_LARGE = 64, 16
"""Images for a pass there and back: as many of up to 64×64 pixels, or larger."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """A network with its data, and what is measured on them. A field that cannot be had raises `AbsentError`.

    Attributes:
        config: the resolved configuration.
        classifier: as it was kept, or as it would start.
        is_trained: whether any of its weights have moved.
        load: gives its data, divided as in training.
        run: where it was trained; None for an experiment that is not a run yet.
    """

    config: ResolvedExperiment
    classifier: Classifier
    is_trained: bool
    load: Callable[[], Dataset]
    run: Run | None = None

    @cached_property
    def dataset(self) -> Dataset:
        """Its data."""
        try:
            return self.load()
        except ConvscopeError as error:
            raise AbsentError(f"its images: {str(error).splitlines()[0]}") from None

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order; absent of a network that answers with a number."""
        if not self.classifier.class_names:
            raise AbsentError("the network answers with a number, not with a class")
        return self.classifier.class_names

    @property
    def pretraining(self) -> Pretraining:
        """Whether its network knew photos before, or another one that does is at hand."""
        preprocessing = self.classifier.preprocessing
        return pretraining_of(self.config.network.name, preprocessing.channels, min(preprocessing.size))

    @property
    def records(self) -> list[Record]:
        """What training recorded."""
        records = [] if self.run is None else self.run.metrics()
        if not self.is_trained or not records:
            raise AbsentError(_UNTRAINED)
        return records

    @property
    def ending(self) -> Ending:
        """How its training stands; absent of an experiment that is not a run."""
        if self.run is None:
            raise AbsentError("it is not a run yet")
        last = (self.run.metrics() or [{}])[-1]
        return Ending(
            resume=resume_command(self.run.path),
            step=last.get("step", 0),
            learning_rate=last.get("learning_rate") or 0.0,
            is_kept=self.is_trained,
            is_finished=self.run.summary() is not None,
        )

    @cached_property
    def start_network(self) -> nn.Module:
        """The network before its first step."""
        if is_pretrained(self.config.network.name):
            raise AbsentError("its weights were trained before: nothing starts at random but its last layer")
        if not self.is_trained or self.run is None:
            return self.classifier.network
        network = Classifier.untrained(self.run).network
        if isinstance(network, WhitenedVGG):
            network.whiten(self._standardised(self.dataset.train, 1000)[0])
        return network

    @cached_property
    def start(self) -> Passage:
        """A pass there and back before the first step, normalised by its own images, as in training."""
        images, rows = self._standardised(self.dataset.train, self._few)
        labels, target = self.dataset.train.labels[rows], self.classifier.target
        targets = labels if target.class_names else (labels - target.mean) / target.std
        return pass_there_and_back(self.start_network, images, targets, batch_statistics=True)

    @cached_property
    def moved(self) -> dict[str, float]:
        """How far each layer's weights are from where they started, as a part of their size there."""
        self._must_be_trained()
        return moved_weights(self.start_network, self.classifier.network)

    @cached_property
    def dead(self) -> tuple[DeadUnits, ...]:
        """By rectified layer, the units that never fire."""
        return dead_units(self.classifier.network, self._standardised(self.dataset.train, 4 * self._few)[0])

    @cached_property
    def train_sample(self) -> Predictions:
        """Answers to training images, in evaluation mode and without augmentation."""
        self._must_be_trained()
        train = self.dataset.train
        rows = spread(len(train), MOST_JUDGED if self._few == _FEW else MOST_JUDGED // 4).tolist()
        return predict_images(self.classifier, train.take(rows), "train")

    @cached_property
    def held_out(self) -> Predictions:
        """Answers to images it was not fitted on: validation and test, or those of the folds."""
        self._must_be_trained()
        if self.run is not None and self.config.data.folds is not None:
            return read_held_out(self.run)
        parts = [part for part in map(self._judged, ("validation", "test")) if part is not None]
        if not parts:
            raise AbsentError("no image was held out")
        return pool(parts)

    @property
    def tested(self) -> Predictions:
        """Answers to test images, which had no say in anything."""
        self._must_be_trained()
        if self.config.data.folds is None and (judged := self._judged("test")) is not None:
            return judged
        raise AbsentError("no image was kept for the test")

    @cached_property
    def classified(self) -> Predictions:
        """The same, of a network that answers with classes."""
        _ = self.class_names
        return self.held_out

    @cached_property
    def classified_sample(self) -> Predictions:
        """Answers to training images, of a network that answers with classes."""
        _ = self.class_names
        return self.train_sample

    @cached_property
    def learned(self) -> Proportion:
        """Right answers to training images: as they were recorded of what was kept, or else given now."""
        _ = self.class_names
        recorded = None if self.run is None else recorded_accuracy(self.run, "train")
        return recorded or self.classified_sample.accuracy

    @cached_property
    def plain_labels(self) -> HalfTest:
        """How well a plain classifier tells the classes of training images apart."""
        _ = self.class_names
        train = self.dataset.train
        rows = spread(len(train), 2 * MOST_JUDGED)
        if len(rows) < 4:
            raise AbsentError("too few training images")
        labels = train.labels[torch.from_numpy(rows)].numpy().astype(np.int64)
        return half_test(plain_features(train, rows), labels)

    @cached_property
    def told_apart(self) -> dict[str, HalfTest]:
        """How well a plain classifier tells each split from the training images."""
        return {
            split: tell_splits_apart(self.dataset.train, self.dataset.splits[split], MOST_JUDGED)
            for split in ("validation", "test")
            if min(len(self.dataset.splits[split]), len(self.dataset.train)) >= _FEWEST_TOLD
        }

    @cached_property
    def shared(self) -> tuple[Pair, ...]:
        """The paths of each image held out that is a training image too, by content, and of that one."""
        return shared_images(self.dataset)

    @cached_property
    def neighbours(self) -> Neighbours:
        """How near training images, and images held out, are to training images."""
        others = {name: self.dataset.splits[name] for name in ("validation", "test")}
        others = {name: images for name, images in others.items() if len(images)}
        if not others or len(self.dataset.train) < _FEWEST_TOLD:
            raise AbsentError("too few images, or none is held out")
        return neighbours(self.dataset.train, others, MOST_JUDGED)

    @cached_property
    def looks(self) -> dict[str, NDArray[np.float64]]:
        """Brightness and contrast of each image held out, in the order of its answer."""
        return looks_of(self.dataset, self.classified.ids)

    @cached_property
    def by_running_statistics(self) -> Predictions:
        """Answers to some images held out, normalised as they are judged."""
        images, split = self._some_held_out
        return predict_images(self.classifier, images, split)

    @cached_property
    def by_batch_statistics(self) -> Predictions:
        """Answers to the same images, normalised by these images themselves."""
        images, split = self._some_held_out
        logits = logits_by_batch(self.classifier, images.images[:])
        return Predictions.of(self.classifier.target, logits.numpy(), images, split)

    @cached_property
    def _some_held_out(self) -> tuple[ImageSet, str]:
        self._must_be_trained()
        _ = self.class_names
        split = next((name for name in ("test", "validation") if len(self.dataset.splits[name])), "train")
        images = self.dataset.splits[split]
        return images.take(spread(len(images), 8 * self._few).tolist()), split

    @cached_property
    def covered(self) -> dict[str, Predictions]:
        """Answers to the same images with their middle or their border covered by their mean colour."""
        images, split = self._some_held_out
        return predict_covered(self.classifier, images, split)

    @cached_property
    def learned_by(self) -> Preprocessing:
        """By which mean and deviation it learned."""
        return preprocessing_for(self.config, self.dataset.train.images)

    @property
    def validation_images(self) -> int:
        """How many there are, as they were recorded."""
        recorded = [each.get("images") for each in self.records if each["split"] == "validation"]
        return (recorded and recorded[-1]) or len(self.dataset.validation)

    @cached_property
    def by_file(self) -> tuple[HalfTest, str]:
        """How well the labels are told from the files alone, and by what most."""
        _ = self.class_names
        return tell_by_file(self.config.data if self.run is None else self.run.data)

    def _judged(self, split: str) -> Predictions | None:
        if self.run is not None and has_predictions(self.run, split):
            return read_predictions(self.run, split)
        images = self.dataset.splits[split]
        return predict_images(self.classifier, images, split) if len(images) else None

    def _must_be_trained(self) -> None:
        if not self.is_trained:
            raise AbsentError(_UNTRAINED)

    @property
    def _few(self) -> int:
        """So many images are passed at once."""
        return _FEW if max(self.classifier.preprocessing.size) <= _SMALL else _FEW_LARGE

    def _standardised(self, images: ImageSet, most: int) -> tuple[Tensor, NDArray[np.int64]]:
        rows = spread(len(images), most)
        return self.classifier.preprocessing.standardise(images.images[torch.from_numpy(rows)]), rows


_FEWEST_TOLD, _UNTRAINED = 40, "no step was taken yet"
