"""Everything that a fit needs, made from a configuration and its data."""

import os
from dataclasses import dataclass

import torch
from torch import nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.reading import Reading
from convscope.classifier.target import Target
from convscope.config.asked import ExperimentConfig, Fit
from convscope.data.augmentation import Augmentation
from convscope.data.batches import steps_per_epoch
from convscope.data.dataset import Dataset
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import Preprocessing, measure_preprocessing
from convscope.data.sources import ArraySource, FileSource
from convscope.errors import RunError, UsageError
from convscope.networks.pretrained import input_normalisation, is_pretrained
from convscope.runs.folder import Run
from convscope.training.averaging import WeightAverage
from convscope.training.fine_tuning import (
    freeze_backbone,
    freeze_early_stages,
    rate_scales,
    start_from_fitted_head,
)
from convscope.training.loop import Loop
from convscope.training.objective import Objective, even_class_weights
from convscope.training.optimizers import build_optimizer
from convscope.training.progress import Progress
from convscope.training.state import TrainingState

DEVICE_TYPES = ("cpu", "cuda")


@dataclass(frozen=True, eq=False)
class Job:
    """One fit: an untrained classifier, and what it will see."""

    config: ExperimentConfig
    dataset: Dataset
    classifier: Classifier
    device: torch.device
    progress: Progress


def prepare(config: ExperimentConfig, dataset: Dataset, device: torch.device, progress: Progress) -> Job:
    """The classifier before its first step: a function of the configuration and the training images."""
    preprocessing = config.preprocessing
    assert preprocessing.fit is not None
    assert preprocessing.centre is not None
    name = str(config.network.name)
    if is_pretrained(name):
        measured = _as_pretrained(name, dataset, preprocessing.fit)
    else:
        measured = measure_preprocessing(
            dataset.train.images,
            fit=preprocessing.fit,
            centre=preprocessing.centre,
            scale=bool(preprocessing.scale),
        )
    classifier = Classifier.build(
        config.network,
        measured,
        describe_target(dataset),
        seed=config.seed,
        reading=Reading(max_pixels=config.data.max_pixels),
    )
    return Job(config, dataset, classifier.to(device), device, progress)


def _as_pretrained(name: str, dataset: Dataset, fit: Fit) -> Preprocessing:
    """What the pretrained weights expect of pixels, whatever these photos' own mean is."""
    _, channels, height, width = dataset.train.images.shape
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in input_normalisation(name, channels))
    return Preprocessing(height, width, channels, fit, mean=mean, std=std)


def fit_head_first(job: Job) -> None:
    """The exact head on frozen features; deterministic, so that a resumed run fits the same."""
    training, train, target = job.config.training, job.dataset.train, job.classifier.target
    classes = target.num_outputs if target.task == "classification" else None
    labels = train.labels if classes is not None else (train.labels - target.mean) / target.std
    weights = None
    if classes is not None and training.balance in ("loss", "sampling"):
        weights = even_class_weights(train.labels, classes)[train.labels]
    augmentation = str(Augmentation.from_text(str(job.config.augmentation.preset)))
    start_from_fitted_head(
        job.classifier.network,
        job.classifier.preprocessing,
        train.images,
        labels,
        num_classes=classes,
        mirror="flip-horizontal" in augmentation,
        weights=weights,
    )


def use_device(config: ExperimentConfig) -> torch.device:
    """The device that a configuration asks for, its thread count set.

    Raises:
        UsageError: when it is none.
        RunError: when the device is not there.
    """
    torch.set_num_threads(config.training.threads or len(os.sched_getaffinity(0)))
    name = config.training.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        known = device.type in DEVICE_TYPES
    except RuntimeError:
        known = False
    if not known:
        raise UsageError(f"training.device = '{name}' is not a device; it takes auto, cpu, cuda or cuda:1")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RunError("there is no CUDA device here. Leave --device out to train on the CPU")
    torch.backends.cudnn.deterministic = True
    return device


def load_planned(config: ExperimentConfig, source: FileSource | ArraySource | None = None) -> Dataset:
    """The data of a resolved configuration; `source` where it is open already."""
    preprocessing = config.preprocessing
    assert preprocessing.size is not None
    assert preprocessing.channels is not None
    assert preprocessing.fit is not None
    return load_dataset(
        config.data,
        size=(preprocessing.size, preprocessing.size),
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=config.seed,
        source=source,
    )


def describe_target(dataset: Dataset) -> Target:
    """What the outputs of a classifier for this data mean."""
    if dataset.class_names:
        return Target(class_names=dataset.class_names)
    labels = dataset.train.labels
    return Target(
        task="regression",
        mean=labels.mean().item(),
        std=max(labels.std().item(), 1e-6),
        low=labels.min().item(),
        high=labels.max().item(),
    )


def build_loop(run: Run, job: Job) -> Loop:
    """The loop of a job, before its first step."""
    config, classifier, dataset, device = job.config, job.classifier, job.dataset, job.device
    training = config.training
    if training.early_stopping is not None and not len(dataset.validation):
        raise UsageError("training.early_stopping needs validation images, and there are none")
    assert training.optimizer is not None
    assert training.batch_size is not None
    network = classifier.network
    scales: dict[str, float] = {}
    if is_pretrained(str(config.network.name)):
        if training.frozen:
            freeze_backbone(network)
        else:
            freeze_early_stages(network, training.frozen_share or 0.0)
        scales = rate_scales(network, training.rate_decay or 1.0)
    optimizer = build_optimizer(
        network,
        training.optimizer,
        weight_decay=training.weight_decay or 0.0,
        momentum=training.momentum,
        rate_scales=scales,
    )
    average = WeightAverage(network, training.ema) if training.ema else None
    num_classes = classifier.target.num_outputs
    even = (
        even_class_weights(dataset.train.labels, num_classes)
        if training.balance in ("loss", "sampling")
        else None
    )
    return Loop(
        run=run,
        config=training,
        seed=config.seed,
        state=TrainingState(network, optimizer, average),
        dataset=dataset,
        preprocessing=classifier.preprocessing,
        augmentation=Augmentation.from_text(config.augmentation.preset or "none"),
        objective=Objective(
            classifier.target,
            training.label_smoothing or 0.0,
            even.to(device) if even is not None and training.balance == "loss" else None,
        ),
        device=device,
        precision=choose_precision(training.precision, device, network),
        total_steps=total_steps(config, len(dataset.train)),
        progress=job.progress,
        sampling_weights=even[dataset.train.labels]
        if even is not None and training.balance == "sampling"
        else None,
    )


def total_steps(config: ExperimentConfig, num_images: int) -> int:
    """Optimizer updates of the whole training."""
    training = config.training
    if training.steps is not None:
        return training.steps
    if training.frozen and is_pretrained(str(config.network.name)):
        return 0  # the fitted head is all there is to learn
    if training.epochs is None:
        return 1  # a time budget decides, once the pace is measured
    assert training.batch_size is not None
    return training.epochs * steps_per_epoch(num_images, training.batch_size)


def choose_precision(wanted: str, device: torch.device, network: nn.Module) -> torch.dtype:
    """The type that activations have while training; everything after training is float32.

    `auto` is bfloat16 where the device multiplies in it natively. On a CPU that pays for full convolutions
    (1.7 to 2 times as fast) and not for depthwise ones (0.8 times): benchmarks/precision.py.
    """
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    is_full = bool(convolutions) and all(module.groups == 1 for module in convolutions)
    return torch.bfloat16 if is_full and torch.cpu._is_avx512_bf16_supported() else torch.float32
