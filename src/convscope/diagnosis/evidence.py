"""What the rules of a diagnosis are put to: measured when a rule first asks, and once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.classifier.classifier import Classifier
from convscope.config.asked import NetworkConfig, TrainingConfig
from convscope.config.resolved import ResolvedExperiment
from convscope.data.dataset import Dataset, ImageSet
from convscope.diagnosis.rule import AbsentError
from convscope.errors import ConvscopeError, RunError
from convscope.evaluation.evaluating import load_own_data
from convscope.evaluation.predictions import (
    Predictions,
    has_predictions,
    predict_images,
    read_held_out,
    read_predictions,
)
from convscope.inspection.signals.dead_units import DeadUnits, dead_units
from convscope.inspection.signals.passage import Passage, pass_there_and_back
from convscope.looking.subject import spread
from convscope.networks.pretrained import is_pretrained
from convscope.networks.whitened_vgg import WhitenedVGG
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
    def network(self) -> NetworkConfig:
        """What was asked of the network."""
        return self.config.network

    @property
    def training(self) -> TrainingConfig:
        """What was asked of training."""
        return self.config.training

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order; absent of a network that answers with a number."""
        if not self.classifier.class_names:
            raise AbsentError("the network answers with a number, not with a class")
        return self.classifier.class_names

    @property
    def records(self) -> list[Record]:
        """What training recorded."""
        records = [] if self.run is None else self.run.metrics()
        if not self.is_trained or not records:
            raise AbsentError(_UNTRAINED)
        return records

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
        """A pass there and back before the first step, normalised as in training."""
        return self._pass(self.start_network, batch_statistics=True)

    @cached_property
    def now(self) -> Passage:
        """The same of the trained network, as it answers."""
        self._must_be_trained()
        return self._pass(self.classifier.network, batch_statistics=False)

    @cached_property
    def moved(self) -> dict[str, float]:
        """How far each layer's weights are from where they started, as a part of their size there."""
        self._must_be_trained()
        before, after = (
            {name: each.detach().cpu().double() for name, each in network.named_parameters() if each.ndim > 1}
            for network in (self.start_network, self.classifier.network)
        )
        return {
            name: float((after[name] - weight).norm() / weight.norm().clamp(min=1e-30))
            for name, weight in before.items()
            if not bool((after[name] == weight).all())
        }

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

    def _pass(self, network: nn.Module, *, batch_statistics: bool) -> Passage:
        images, rows = self._standardised(self.dataset.train, self._few)
        labels, target = self.dataset.train.labels[rows], self.classifier.target
        targets = labels if target.class_names else (labels - target.mean) / target.std
        return pass_there_and_back(network, images, targets, batch_statistics=batch_statistics)

    def _standardised(self, images: ImageSet, most: int) -> tuple[Tensor, NDArray[np.int64]]:
        rows = spread(len(images), most)
        return self.classifier.preprocessing.standardise(images.images[torch.from_numpy(rows)]), rows


_UNTRAINED = "no step was taken yet"


def is_untrained(run: Run) -> bool:
    """Whether neither a step was taken nor a head fitted."""
    summary = run.summary() or {}
    return summary.get("steps") == 0 and summary.get("checkpoint") != "head"


def pool(parts: list[Predictions]) -> Predictions:
    """Answers to the images of several splits, as those of one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Predictions(
        split="held-out",
        logits=np.concatenate([each.logits for each in parts]),
        labels=np.concatenate([each.labels for each in parts]),
        ids=tuple(name for each in parts for name in each.ids),
        hashes=tuple(content for each in parts for content in each.hashes),
        class_names=first.class_names,
        training_range=first.training_range,
    )


def evidence_of_run(path: Path) -> Evidence:
    """What there is of a run: of one that kept no checkpoint, how it started.

    Raises:
        RunError: when there is no run, or it holds not even a description of its classifier.
    """
    run = Run.open(path)
    try:
        classifier, is_trained = Classifier.load(run.path), not is_untrained(run)
    except RunError:
        classifier, is_trained = Classifier.untrained(run), False
    return _evidence(run, classifier, is_trained)


def evidence_of_start(path: Path) -> Evidence:
    """A run's network as it was before its first step.

    Raises:
        RunError: when there is no run, or it holds not even a description of its classifier.
    """
    run = Run.open(path)
    return _evidence(run, Classifier.untrained(run), is_trained=False)


def _evidence(run: Run, classifier: Classifier, is_trained: bool) -> Evidence:
    return Evidence(
        config=run.config,
        classifier=classifier,
        is_trained=is_trained,
        load=lambda: load_own_data(run.path, classifier),
        run=run,
    )
