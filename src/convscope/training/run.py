"""From a configuration to a finished run: choose, load, build, train, evaluate. Prints nothing."""

import os
import time
from pathlib import Path

import torch

from convscope.config.experiment import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.augmentation import Augmentation
from convscope.data.batches import steps_per_epoch
from convscope.data.dataset import Dataset
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import measure_preprocessing
from convscope.data.survey import survey
from convscope.errors import RunError
from convscope.evaluation.classifier import DESCRIPTION, Classifier, Target
from convscope.runs.checkpoints import list_checkpoints
from convscope.runs.environment import describe_environment
from convscope.runs.folder import Run
from convscope.runs.records import truncate_records
from convscope.training.averaging import WeightAverage
from convscope.training.loop import Loop
from convscope.training.objective import Objective, even_class_weights
from convscope.training.optimizers import build_optimizer
from convscope.training.plan import plan_experiment
from convscope.training.progress import Progress, Silent
from convscope.training.results import finish_run, write_dataset
from convscope.training.state import TrainingState


def start_training(
    config: ExperimentConfig, *, runs: Path, name: str | None = None, progress: Progress | None = None
) -> Run:
    """Train what `config` describes, into a new run folder in `runs`.

    What `config` leaves open is chosen from the data; every choice goes to `progress` and into the run.

    Raises:
        UsageError, DataError, DivergedError, InterruptedTrainingError, RunError: see `convscope.errors`.
    """
    started = time.perf_counter()
    listener = progress or Silent()
    device = use_device(config)
    config, choices = plan_experiment(config, survey(config.data))
    for choice in choices:
        listener.on_choice(choice)
    dataset = load_planned(config)
    classifier = _untrained(config, dataset)
    run = Run.create(runs, data_name=dataset.name, network_name=str(config.network.name), name=name)
    run.write("choices.json", [choice.to_dict() for choice in choices])
    run.write("environment.json", describe_environment(device=device, seed=config.seed))
    run.write_config(config)
    _describe(run, classifier, dataset)
    return _train(run, config, classifier, dataset, device, listener, started)


def resume_training(
    path: Path, *, steps: int | None = None, epochs: int | None = None, progress: Progress | None = None
) -> Run:
    """Go on with a run where its last checkpoint is, to its end or to a new one.

    Raises:
        RunError: when the folder is not a run, or its data has changed since.
    """
    started = time.perf_counter()
    run = Run.open(path)
    config = run.config
    if steps is not None:
        config = override(config, {"training.steps": steps, "training.epochs": None})
    elif epochs is not None:
        config = override(config, {"training.epochs": epochs, "training.steps": None})
    device = use_device(config)
    dataset = load_planned(config)
    if run.has("dataset.json") and dataset.fingerprint != run.read("dataset.json")["fingerprint"]:
        raise RunError(
            f"{config.data.source} has changed since {run.path} began: its fingerprint differs.\n"
            "A run goes on with the same images only. Start a new one with: convscope train"
        )
    classifier = _untrained(config, dataset)
    run.write_config(config)
    _describe(run, classifier, dataset)
    return _train(run, config, classifier, dataset, device, progress or Silent(), started)


def use_device(config: ExperimentConfig) -> torch.device:
    """The device that a configuration asks for, its thread count set.

    Raises:
        RunError: when the device is not there.
    """
    torch.set_num_threads(config.training.threads or len(os.sched_getaffinity(0)))
    name = config.training.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RunError(f"'{name}' is not a device; it takes auto, cpu, cuda or cuda:1") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RunError("there is no CUDA device here. Leave --device out to train on the CPU")
    torch.backends.cudnn.deterministic = True
    return device


def load_planned(config: ExperimentConfig) -> Dataset:
    """The data of a resolved configuration."""
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


def _untrained(config: ExperimentConfig, dataset: Dataset) -> Classifier:
    """The classifier before its first step: a function of the configuration and the training images."""
    preprocessing = config.preprocessing
    assert preprocessing.fit is not None
    assert preprocessing.centre is not None
    measured = measure_preprocessing(
        dataset.train.images,
        fit=preprocessing.fit,
        centre=preprocessing.centre,
        scale=bool(preprocessing.scale),
    )
    return Classifier.build(config.network, measured, describe_target(dataset), seed=config.seed)


def _describe(run: Run, classifier: Classifier, dataset: Dataset) -> None:
    """Write down what is known before the first step."""
    run.write(DESCRIPTION, classifier.description())
    write_dataset(run, dataset, classifier.preprocessing)


def _train(
    run: Run,
    config: ExperimentConfig,
    classifier: Classifier,
    dataset: Dataset,
    device: torch.device,
    progress: Progress,
    started: float,
) -> Run:
    """Everything from the first step, or the next, to the summary."""
    classifier.to(device)
    loop = _build_loop(run, config, classifier, dataset, device, progress)
    if list_checkpoints(run.checkpoint_folder):
        loop.state.restore(run.checkpoint())
    truncate_records(run.metrics_path, loop.state.step if loop.state.step else -1)
    loop.train()
    finish_run(
        run, dataset, device, seconds={"train": loop.state.seconds, "total": time.perf_counter() - started}
    )
    return run


def _build_loop(
    run: Run,
    config: ExperimentConfig,
    classifier: Classifier,
    dataset: Dataset,
    device: torch.device,
    progress: Progress,
) -> Loop:
    training = config.training
    assert training.optimizer is not None
    assert training.batch_size is not None
    network = classifier.network
    optimizer = build_optimizer(
        network,
        training.optimizer,
        weight_decay=training.weight_decay or 0.0,
        momentum=training.momentum,
        rate_scales={},
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
        precision=choose_precision(training.precision, device),
        total_steps=total_steps(config, len(dataset.train)),
        progress=progress,
        sampling_weights=even[dataset.train.labels]
        if even is not None and training.balance == "sampling"
        else None,
    )


def total_steps(config: ExperimentConfig, num_images: int) -> int:
    """Optimizer updates of the whole training."""
    training = config.training
    if training.steps is not None:
        return training.steps
    assert training.epochs is not None
    assert training.batch_size is not None
    return training.epochs * steps_per_epoch(num_images, training.batch_size)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type that activations have while training."""
    if wanted == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32
