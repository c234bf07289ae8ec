"""Everything that a fit needs, made from a configuration and its data."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import evaluation_mode
from convscope.classifier.standardising import preprocessing_for
from convscope.classifier.target import Target
from convscope.config.length import Epochs, Steps, TimeBudget
from convscope.config.resolved import ResolvedExperiment
from convscope.data.augmentation import Augmentation
from convscope.data.batches import steps_per_epoch
from convscope.data.dataset import Dataset, ImageRows
from convscope.data.loading import Features, load_dataset
from convscope.data.sources import ArraySource, FileSource
from convscope.errors import UsageError
from convscope.networks.pretrained import is_pretrained
from convscope.networks.whitened_vgg import WhitenedVGG
from convscope.training.convolving.fast import Fast, fast_convolutions
from convscope.training.device import choose_precision
from convscope.training.fine_tuning.features import find_features, seconds_to_find
from convscope.training.fine_tuning.stages import (
    freeze_backbone,
    freeze_early_stages,
    rate_scales,
    set_training_mode,
    start_from_fitted_head,
)
from convscope.training.objective import Objective, even_class_weights
from convscope.training.progress import Progress
from convscope.training.state import TrainingState
from convscope.training.step import TrainingStep
from convscope.training.updating.averaging import WeightAverage
from convscope.training.updating.batch_statistics import refuse_single_values
from convscope.training.updating.optimizers import build_optimizer

WHITENING_IMAGES = 1_000
"""About how many training images the patches come from: a million of them."""

MOST_FOR_MIRRORS = 0.1
"""Of what is left of a time budget, where steps follow: what mirror images may take of it before them."""


@dataclass(frozen=True, eq=False)
class Job:
    """One fit: an untrained classifier, and what it will see."""

    config: ResolvedExperiment
    dataset: Dataset
    classifier: Classifier
    device: torch.device
    progress: Progress

    @property
    def is_pretrained(self) -> bool:
        """Whether training starts from weights that know something, and from a fitted head."""
        return is_pretrained(self.config.network.name)


def prepare(config: ResolvedExperiment, dataset: Dataset, device: torch.device, progress: Progress) -> Job:
    """The classifier before its first step: a function of the configuration and the training images.

    Raises:
        UsageError: for a network that cannot be built, and for a wish that these images cannot fulfil.
    """
    _refuse_impossible(config, dataset)
    preprocessing = preprocessing_for(config, dataset.train.images)
    classifier = Classifier.build(
        config.network,
        replace(preprocessing, mirrored=config.preprocessing.mirrored),
        describe_target(dataset),
        seed=config.seed,
        reading=dataset.reading,
    )
    job = Job(config, dataset, classifier.to(device), device, progress)
    if isinstance(classifier.network, WhitenedVGG):
        _whiten(classifier.network, job)
    if len(dataset.train) and not (job.is_pretrained and config.training.frozen):
        _refuse_single_values(job)
    return job


def _whiten(network: WhitenedVGG, job: Job) -> None:
    """The first layer of a network that begins with what its training images have in common."""
    images = job.dataset.train.images
    some = images.take(slice(None, None, max(1, len(images) // WHITENING_IMAGES)))
    network.whiten(job.classifier.preprocessing.standardise(some.all().to(job.device)))


def _refuse_impossible(config: ResolvedExperiment, dataset: Dataset) -> None:
    training = config.training
    has_validation = len(dataset.validation) and config.data.folds is None
    if training.early_stopping is not None and not has_validation:
        raise UsageError("training.early_stopping needs validation images, and there are none")
    if training.balance != "none" and not dataset.class_names:
        raise UsageError(
            f"training.balance = '{training.balance}' evens out classes, and these images have numbers; "
            "leave it out"
        )


def load_planned(
    config: ResolvedExperiment,
    source: FileSource | ArraySource | None = None,
    *,
    features: Features | None = None,
    series: Sequence[Sequence[str]] | None = None,
) -> Dataset:
    """The data of a resolved configuration; `source` where it is open already, the rest as `load_dataset`."""
    preprocessing = config.preprocessing
    return load_dataset(
        config.data,
        size=(preprocessing.size, preprocessing.size),
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=config.split_seed,
        source=source,
        features=features,
        series=series,
    )


def describe_target(dataset: Dataset) -> Target:
    """What the outputs of a classifier for this data mean."""
    if dataset.class_names:
        return Target(class_names=dataset.class_names)
    labels = dataset.train.labels
    exact = labels.double()
    free = min(1, len(labels) - 1)  # one number alone has a spread of 0
    return Target(
        task="regression",
        mean=_in_range(labels.mean(), exact.mean()),
        std=_in_range(labels.std(correction=free), exact.std(correction=free)) or 1.0,
        low=labels.min().item(),
        high=labels.max().item(),
    )


def _in_range(single: Tensor, double: Tensor) -> float:
    """A figure over numbers of any size: in 32 bits, squares end at 1e-38 and at 1e38."""
    is_safe = 1e-15 < abs(double.item()) < 1e15
    return (single if is_safe else double).item()


def fit_head_first(job: Job, *, mirror: bool = True) -> None:
    """The exact head on frozen features; deterministic, so that a resumed run fits the same.

    Without `mirror` on the images alone, in half the time, even where their mirror images count as the same.
    """
    train, target = job.dataset.train, job.classifier.target
    is_number = target.task == "regression"
    balanced = job.config.training.balance != "none"
    start_from_fitted_head(
        job.classifier.network,
        job.classifier.preprocessing,
        train.images,
        (train.labels - target.mean) / target.std if is_number else train.labels,
        num_classes=None if is_number else target.num_outputs,
        mirror=mirror and fits_on_mirror_images(job.config),
        weights=_class_weights(job)[train.labels] if balanced else None,
    )


def compute_features_once(job: Job, deadline: float | None) -> bool:
    """Of every image that any fold will ask for, in one go; they wait in the cache.

    Returns:
        Whether there was time until `deadline`, on `time.perf_counter`, for their mirror images too.
    """
    images, network = job.dataset.all_for_training().train.images, job.classifier.network
    find_features(network, job.classifier.preprocessing, images)
    has_time = has_time_for_mirrors(job, images, deadline)
    if has_time and fits_on_mirror_images(job.config):
        find_features(network, job.classifier.preprocessing, images.mirror())
    return has_time


def has_time_for_mirrors(job: Job, images: ImageRows, deadline: float | None) -> bool:
    """Whether the features of these images' mirror images, where they are asked for, are ready in time."""
    if deadline is None or not fits_on_mirror_images(job.config):
        return True
    seconds = seconds_to_find(job.classifier.network, job.classifier.preprocessing, images.mirror())
    share = 1.0 if job.config.training.frozen else MOST_FOR_MIRRORS
    return seconds == 0 or seconds < share * (deadline - time.perf_counter())


def fits_on_mirror_images(config: ResolvedExperiment) -> bool:
    """Whether the head is fitted on each image's mirror image too: all that it knows of augmentation."""
    return Augmentation.from_text(config.augmentation.preset).mirrors


def build_state(job: Job) -> TrainingState:
    """All that training moves, before its first step; what is not trained is frozen.

    The classifier's network is the one that moves.
    """
    training, network = job.config.training, job.classifier.network
    scales: dict[str, float] = {}
    if job.is_pretrained:
        if training.frozen:
            freeze_backbone(network)
        else:
            freeze_early_stages(network, training.frozen_share)
        scales = rate_scales(network, training.rate_decay)
    optimizer = build_optimizer(
        network,
        training.optimizer,
        weight_decay=training.weight_decay,
        momentum=training.momentum,
        rate_scales=scales,
    )
    return TrainingState(network, optimizer, WeightAverage(network, training.ema) if training.ema else None)


def _refuse_single_values(job: Job) -> None:
    training, network, count = job.config.training, job.classifier.network, len(job.dataset.train)
    with evaluation_mode(network):  # whatever the mode is set to, each module's own comes back
        set_training_mode(network, frozen_statistics=training.frozen_statistics)
        refuse_single_values(network, _first_image(job), batch_size=training.batch_size, num_images=count)


def build_step(job: Job, seed: int) -> TrainingStep:
    """What an update does; augmentation and dropout draw from `seed`."""
    training, target = job.config.training, job.classifier.target
    weights = _class_weights(job) if training.balance == "loss" else None
    network = job.classifier.network
    precision = choose_precision(training.precision, job.device, network)
    may_be_frozen = training.frozen_statistics or job.is_pretrained
    return TrainingStep(
        config=training,
        train=job.dataset.train,
        preprocessing=job.classifier.preprocessing,
        augmentation=Augmentation.from_text(job.config.augmentation.preset),
        objective=Objective(
            target, training.label_smoothing, None if weights is None else weights.to(job.device)
        ),
        device=job.device,
        precision=precision,
        seed=seed,
        fast=fast_convolutions(network, precision, frozen_on=_first_image(job) if may_be_frozen else None),
    )


def build_judging(job: Job, network: nn.Module) -> Fast:
    """What makes a network's convolutions faster where it is judged, in evaluation mode."""
    return fast_convolutions(network, torch.float32, frozen_on=_first_image(job))


def _first_image(job: Job) -> Tensor:
    """`(1, C, H, W)`, as the network sees it."""
    return job.classifier.preprocessing.standardise(job.dataset.train.images[:1].to(job.device))


def sampling_weights(job: Job) -> Tensor | None:
    """`(N,)`, how often each training image is drawn; None for once an epoch."""
    if job.config.training.balance != "sampling":
        return None
    return _class_weights(job)[job.dataset.train.labels]


def steps_asked(job: Job) -> int | None:
    """Optimizer updates of the whole training; None where a time budget decides."""
    training = job.config.training
    match training.length:
        case Steps(count):
            return count
        case Epochs(count):
            return count * steps_per_epoch(len(job.dataset.train), training.batch_size)
        case TimeBudget():
            return None


def _class_weights(job: Job) -> Tensor:
    return even_class_weights(job.dataset.train.labels, job.classifier.target.num_outputs)
