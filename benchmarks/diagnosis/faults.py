"""Faults to plant in small trainings on one thread, each with a healthy twin: `planted.py` asks for them."""

import functools
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

import convscope
from convscope.config.asked import DataConfig, ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.sources import ArraySource
from convscope.data.sources.opening import open_source
from convscope.diagnosis.diagnosing import diagnose_evidence
from convscope.diagnosis.opening import evidence_of_run
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import DivergedError
from convscope.trials.untrained import evidence_of_experiment

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
SMALL: dict[str, Any] = {"network": "two-conv", "epochs": 3, "threads": 1, "augmentation": "none"}
FEW = 1200
"""Images of a folder that is made for a fault."""
MANY = 5000
PHOTOS, ARCHIVE, SIDE = "rubbish", "photos/trashnet.zip", 112
"""570 photos of six classes, made small; a pretrained network's head alone learns from them."""
HEAD: dict[str, Any] = {"network": "pretrained", "frozen": True, "threads": 1}
DATA = ("digits", "mnist", PHOTOS)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One training: on what, of which seed, and whether the fault is in it."""

    data: str
    seed: int
    planted: bool
    folder: Path

    def images(self, count: int) -> tuple[Pixels, Labels]:
        """Some images (n, H, W) or (n, H, W, 3) and their classes, drawn by the seed."""
        images, labels = _all_images(self.data)
        rows = self.random().permutation(len(labels))[:count]
        return images[rows], labels[rows]

    def random(self) -> np.random.Generator:
        """The same each time."""
        return np.random.default_rng(self.seed)

    def save(self, images: Pixels, labels: Labels, split: str = "") -> Path:
        """As PNG files in class folders; where all of them lie."""
        data = self.folder / "data"
        for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            place = data / split / f"class-{label}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:05d}.png")
        return data

    def trained(self, data: Path, *, folds_of_head: int | None = None, **settings: Any) -> Path:
        """A small run; a head alone is fitted without epochs or batches, and in a moment over folds."""
        runs = self.folder / "runs"
        settings = HEAD | {"folds": folds_of_head} if self.data == PHOTOS else SMALL | settings
        try:
            return convscope.train(data, runs=runs, name="run", seed=self.seed, **settings).path
        except DivergedError:
            return runs / "run"


@functools.cache
def _all_images(data: str) -> tuple[Pixels, Labels]:
    if data != PHOTOS:
        source = open_source(DataConfig(source=data))
        if not isinstance(source, ArraySource):
            raise TypeError(f"{data} are arrays")
        return np.asarray(source.images[:, 0]), np.asarray(source.labels).astype(np.int64)
    with zipfile.ZipFile(Path(os.environ["CONVSCOPE_DATA"]) / ARCHIVE) as photos:
        names = sorted(name for name in photos.namelist() if name.endswith(".jpg"))
        images = [Image.open(io.BytesIO(photos.read(name))).convert("RGB") for name in names]
    labels = np.unique([name.split("/")[-2] for name in names], return_inverse=True)[1]
    small = [np.asarray(ImageOps.fit(image, (SIDE, SIDE))) for image in images]
    return np.stack(small), labels.astype(np.int64)


def diagnosed(run: Path) -> Diagnosis:
    """What is said of a run."""
    return diagnose_evidence(evidence_of_run(run))


def judged_anew(run: Path) -> None:
    """Forget the answers that were kept before the run was changed."""
    shutil.rmtree(run / "predictions")


def start_of(case: Case, **changes: Any) -> Diagnosis:
    settings = {"seed": case.seed, "network.name": "conv4", "training.steps": 1, "training.threads": 1}
    settings["data.source"] = str(case.save(*case.images(FEW)))
    return diagnose_evidence(
        evidence_of_experiment(override(ExperimentConfig(), settings | (changes if case.planted else {})))
    )


def bad_init(case: Case) -> Diagnosis:
    """E3: weights of standard deviation 1."""
    changes = {"network.initialiser": "normal", "network.initial_std": 1.0}
    return start_of(case, **changes)


def tiny_init(case: Case) -> Diagnosis:
    """E4: the same weights × 0.01."""
    changes = {
        "network.initialiser": "normal",
        "network.initial_std": 1.0,
        "network.initial_scale": 0.01,
    }
    return start_of(case, **changes)


def rate_times_100(case: Case) -> Diagnosis:
    data = case.save(*case.images(MANY))
    return diagnosed(case.trained(data, learning_rate=0.7 if case.planted else 0.007))


def rate_over_1000(case: Case) -> Diagnosis:
    data = case.save(*case.images(MANY))
    return diagnosed(case.trained(data, learning_rate=7e-6 if case.planted else 0.007))


def shuffled_labels(case: Case) -> Diagnosis:
    images, labels = case.images(2 * FEW)
    labels = case.random().permutation(labels) if case.planted else labels
    return diagnosed(case.trained(case.save(images, labels)))


def wrong_labels(case: Case) -> Diagnosis:
    """One in ten labels is another class, drawn evenly."""
    images, labels = case.images(2 * FEW)
    random, classes = case.random(), int(labels.max()) + 1
    wrong = random.random(len(labels)) < (0.1 if case.planted else 0.0)
    labels = np.where(wrong, (labels + random.integers(1, classes, len(labels))) % classes, labels)
    return diagnosed(case.trained(case.save(images, labels), epochs=6, folds_of_head=5))


def leak(case: Case) -> Diagnosis:
    """Half of the test images show what a training image shows, a pixel beside and in other noise."""
    images, labels = case.images(FEW)
    held = len(images) * 3 // 4
    same = (len(images) - held) // 2
    if case.planted:
        images[held : held + same] = np.roll(images[:same], (1, 1), axis=(1, 2))
        labels[held : held + same] = labels[:same]
    noisy = (images + case.random().normal(0, 25, images.shape)).clip(0, 255).astype(np.uint8)
    case.save(noisy[:held], labels[:held], "train")
    return diagnosed(case.trained(case.save(noisy[held:], labels[held:], "test"), epochs=6))


def dead_layer(case: Case) -> Diagnosis:
    """Biases of the second convolution that no image overcomes."""
    run = case.trained(case.save(*case.images(MANY)))
    judged_anew(run)
    evidence = evidence_of_run(run)
    if case.planted:
        biases = [each for each in evidence.classifier.network.parameters() if each.ndim == 1]
        with torch.no_grad():
            biases[1].fill_(-1e4)
    return diagnose_evidence(evidence)


def few_images(case: Case) -> Diagnosis:
    """About 50 training images; the twin has half of 4,000."""
    images, labels = case.images(FEW if case.planted else 4000)
    order = np.argsort(labels, kind="stable")
    rest = order[np.arange(len(order)) % (len(order) // 50 if case.planted else 2) != 0]
    train = np.setdiff1d(order, rest)
    case.save(images[rest], labels[rest], "test")
    data = case.save(images[train], labels[train], "train")
    epochs = 80 if case.planted else 12
    return diagnosed(case.trained(data, epochs=epochs, validation_fraction=0.0, batch_size=50))


def too_simple(case: Case) -> Diagnosis:
    """A linear network on coloured photos; the twin is a convolutional one, which learns most of them."""
    archive = Path(os.environ["CONVSCOPE_DATA"]) / "cifar10-jpeg" / "train.zip"
    data = case.folder / "data"
    with zipfile.ZipFile(archive) as photos:
        names = sorted(name for name in photos.namelist() if name.endswith(".jpg"))
        for row in case.random().permutation(len(names))[: 2 * FEW].tolist():
            photos.extract(names[row], data)
    return diagnosed(case.trained(data, network="linear" if case.planted else "whitened-vgg", epochs=6))


def inverted_validation(case: Case) -> Diagnosis:
    images, labels = case.images(FEW)
    held = len(images) * 3 // 4
    other = 255 - images[held:] if case.planted else images[held:]
    case.save(images[:held], labels[:held], "train")
    return diagnosed(case.trained(case.save(other, labels[held:], "valid"), epochs=6))


def not_normalised(case: Case) -> Diagnosis:
    """The classifier forgets the mean and the deviation of its training images."""
    run = case.trained(case.save(*case.images(MANY)))
    if case.planted:
        description = json.loads((run / "classifier.json").read_text())
        description["preprocessing"] |= {"mean": [[[0.0]]], "std": [[[1.0]]]}
        (run / "classifier.json").write_text(json.dumps(description))
        judged_anew(run)
    return diagnosed(run)


def told_by_file(case: Case) -> Diagnosis:
    """JPEG files whose quality depends on the class."""
    images, labels = case.images(FEW)
    data = case.folder / "data"
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        place = data / f"class-{label}"
        place.mkdir(parents=True, exist_ok=True)
        quality = 50 + 5 * label if case.planted else 90
        Image.fromarray(image).save(place / f"{number:05d}.jpg", quality=quality)
    return diagnosed(case.trained(data, epochs=6))


def failing_group(case: Case) -> Diagnosis:
    """Half of one class held out are dark, and of the dark training images all are of another one."""
    images, labels = case.images(2 * FEW)
    other = 5 if case.data == PHOTOS else 8
    dark = case.random().random(len(labels)) < 0.5
    train = np.arange(len(labels)) < len(labels) * 5 // 8
    shaded = (dark & (labels == 3) & ~train) | (dark & (labels == other) & train)
    if case.planted:
        images[shaded] //= 4
    case.save(images[train], labels[train], "train")
    return diagnosed(case.trained(case.save(images[~train], labels[~train], "test"), epochs=8))


@dataclass(frozen=True)
class Fault:
    """What is planted.

    Attributes:
        expected: the name of the finding that must stand first.
        make: the training → its diagnosis.
        data: on what it is planted, where it asks for data of its own.
        is_of_scratch: whether it asks for a network that is trained from scratch.
    """

    name: str
    expected: str
    make: Callable[[Case], Diagnosis]
    data: str = ""
    is_of_scratch: bool = False


FAULTS = (
    Fault("bad-init", "signal-explodes", bad_init, is_of_scratch=True),
    Fault("tiny-init", "signal-vanishes", tiny_init, is_of_scratch=True),
    Fault("rate-times-100", "rate-too-high", rate_times_100, is_of_scratch=True),
    Fault("rate-over-1000", "rate-too-low", rate_over_1000, is_of_scratch=True),
    Fault("labels-shuffled", "labels-random", shuffled_labels),
    Fault("labels-wrong", "labels-wrong", wrong_labels),
    Fault("leak", "leak", leak),
    Fault("dead-layer", "dead-layer", dead_layer, is_of_scratch=True),
    Fault("few-images", "variance", few_images),
    Fault("too-simple", "bias", too_simple, "coloured photos", is_of_scratch=True),
    Fault("inverted-validation", "shift", inverted_validation),
    Fault("not-normalised", "preprocessing-differs", not_normalised),
    Fault("told-by-file", "told-by-file", told_by_file),
    Fault("failing-group", "failing-group", failing_group),
)
