"""Faults planted in small trainings, each with its healthy twin: is it named first, is the twin left alone?

    python benchmarks/diagnosis/planted.py [--seeds 2] [--only bad-init,leak] [--out FILE.md]

A fault is found where its name stands first among the findings. A twin is the same training without the
fault; it is left alone where none of its findings is a warning or an error. Everything runs on one thread.
"""

import argparse
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

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
SMALL: dict[str, Any] = {"network": "two-conv", "epochs": 3, "threads": 1, "augmentation": "none"}
FEW = 1200
"""Images of a folder that is made for a fault."""


@dataclass(frozen=True)
class Fault:
    """What is planted.

    Attributes:
        expected: the name of the finding that must stand first.
        make: folder, seed, and whether to plant it or leave it out → the diagnosis.
    """

    name: str
    expected: str
    make: Callable[[Path, int, bool], Diagnosis]


def digits(seed: int, count: int) -> tuple[Pixels, NDArray[np.int64]]:
    """Some digits (n, 28, 28) and their classes, drawn by the seed."""
    source = open_source(DataConfig(source="digits"))
    if not isinstance(source, ArraySource):
        raise TypeError("digits are arrays")
    rows = np.random.default_rng(seed).permutation(len(source.labels))[:count]
    return source.images[rows, 0], source.labels[rows].astype(np.int64)


def save(folder: Path, images: Pixels, labels: NDArray[np.int64], prefix: str = "") -> None:
    """As PNG files in class folders."""
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        place = folder / f"class-{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{prefix}{number:05d}.png")


def trained(folder: Path, data: str | Path, seed: int, **settings: Any) -> Path:
    """A small run."""
    runs = folder / "runs"
    try:
        return convscope.train(data, runs=runs, name="run", seed=seed, **{**SMALL, **settings}).path
    except DivergedError:
        return runs / "run"


def diagnosed(run: Path) -> Diagnosis:
    """What is said of a run."""
    return diagnose_evidence(evidence_of_run(run))


def judged_anew(run: Path) -> None:
    """Forget the answers that were kept before the run was changed."""
    shutil.rmtree(run / "predictions")


def start_of(folder: Path, seed: int, planted: bool, **changes: Any) -> Diagnosis:
    settings = {"seed": seed, "network.name": "conv4", "training.steps": 1, "training.threads": 1}
    return diagnose_evidence(
        evidence_of_experiment(override(ExperimentConfig(), settings | (changes if planted else {})))
    )


def bad_init(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """E3: weights of standard deviation 1."""
    changes = {"network.initialiser": "normal", "network.initial_std": 1.0}
    return start_of(folder, seed, planted, **changes)


def tiny_init(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """E4: the same weights × 0.01."""
    changes = {
        "network.initialiser": "normal",
        "network.initial_std": 1.0,
        "network.initial_scale": 0.01,
    }
    return start_of(folder, seed, planted, **changes)


def rate_times_100(folder: Path, seed: int, planted: bool) -> Diagnosis:
    return diagnosed(trained(folder, "digits", seed, learning_rate=0.7 if planted else 0.007))


def rate_over_1000(folder: Path, seed: int, planted: bool) -> Diagnosis:
    return diagnosed(trained(folder, "digits", seed, learning_rate=7e-6 if planted else 0.007))


def shuffled_labels(folder: Path, seed: int, planted: bool) -> Diagnosis:
    images, labels = digits(seed, 2 * FEW)
    if planted:
        labels = np.random.default_rng(seed).permutation(labels)
    save(folder / "data", images, labels)
    return diagnosed(trained(folder, folder / "data", seed))


def wrong_labels(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """One in ten labels is another class, drawn evenly."""
    images, labels = digits(seed, 2 * FEW)
    random = np.random.default_rng(seed)
    wrong = random.random(len(labels)) < (0.1 if planted else 0.0)
    labels = np.where(wrong, (labels + random.integers(1, 10, len(labels))) % 10, labels)
    save(folder / "data", images, labels)
    return diagnosed(trained(folder, folder / "data", seed, epochs=6))


def leak(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """Half of the test images show what a training image shows, taken twice: the noise is another."""
    images, labels = digits(seed, FEW)
    twins = np.arange(FEW)
    if planted:
        twins[900:1050] = np.arange(150)
    noise = np.random.default_rng(seed).normal(0, 25, images.shape)
    noisy = (images[twins] + noise).clip(0, 255).astype(np.uint8)
    save(folder / "data" / "train", noisy[:900], labels[twins[:900]])
    save(folder / "data" / "test", noisy[900:], labels[twins[900:]])
    return diagnosed(trained(folder, folder / "data", seed, epochs=6))


def dead_layer(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """Biases of the second convolution that no image overcomes."""
    run = trained(folder, "digits", seed)
    judged_anew(run)
    evidence = evidence_of_run(run)
    if planted:
        biases = [each for each in evidence.classifier.network.parameters() if each.ndim == 1]
        with torch.no_grad():
            biases[1].fill_(-1e4)
    return diagnose_evidence(evidence)


def few_images(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """50 training images."""
    images, labels = digits(seed, FEW if planted else 4000)
    order = np.argsort(labels, kind="stable")
    rest = order[np.arange(len(order)) % (len(order) // 50 if planted else 2) != 0]
    train = np.setdiff1d(order, rest)
    save(folder / "data" / "test", images[rest], labels[rest])
    save(folder / "data" / "train", images[train], labels[train])
    epochs = 80 if planted else 12
    return diagnosed(
        trained(folder, folder / "data", seed, epochs=epochs, validation_fraction=0.0, batch_size=50)
    )


def too_simple(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """A linear network on coloured photos; the twin is a convolutional one, which learns most of them."""
    archive = Path(os.environ["CONVSCOPE_DATA"]) / "cifar10-jpeg" / "train.zip"
    random = np.random.default_rng(seed)
    with zipfile.ZipFile(archive) as photos:
        names = sorted(name for name in photos.namelist() if name.endswith(".jpg"))
        for row in random.permutation(len(names))[: 2 * FEW].tolist():
            photos.extract(names[row], folder / "data")
    network = "linear" if planted else "whitened-vgg"
    return diagnosed(trained(folder, folder / "data", seed, network=network, epochs=6))


def inverted_validation(folder: Path, seed: int, planted: bool) -> Diagnosis:
    images, labels = digits(seed, FEW)
    other = 255 - images[900:] if planted else images[900:]
    save(folder / "data" / "train", images[:900], labels[:900])
    save(folder / "data" / "valid", other, labels[900:])
    return diagnosed(trained(folder, folder / "data", seed, epochs=6))


def not_normalised(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """The classifier forgets the mean and the deviation of its training images."""
    run = trained(folder, "digits", seed)
    if planted:
        description = json.loads((run / "classifier.json").read_text())
        description["preprocessing"] |= {"mean": [[[0.0]]], "std": [[[1.0]]]}
        (run / "classifier.json").write_text(json.dumps(description))
        judged_anew(run)
    return diagnosed(run)


def told_by_file(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """JPEG files whose quality depends on the class."""
    images, labels = digits(seed, FEW)
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        place = folder / "data" / f"class-{label}"
        place.mkdir(parents=True, exist_ok=True)
        quality = 50 + 5 * label if planted else 90
        Image.fromarray(image).save(place / f"{number:05d}.jpg", quality=quality)
    return diagnosed(trained(folder, folder / "data", seed, epochs=6))


def failing_group(folder: Path, seed: int, planted: bool) -> Diagnosis:
    """Half of the threes held out are dark, and of the dark training images none is a three, but an eight."""
    images, labels = digits(seed, 2 * FEW)
    dark = np.random.default_rng(seed).random(len(labels)) < 0.5
    train = np.arange(len(labels)) < 1500
    shaded = (dark & (labels == 3) & ~train) | (dark & (labels == 8) & train)
    if planted:
        images = np.where(shaded[:, None, None], images // 4, images)
    save(folder / "data" / "train", images[train], labels[train])
    save(folder / "data" / "test", images[~train], labels[~train])
    return diagnosed(trained(folder, folder / "data", seed, epochs=8))


FAULTS = (
    Fault("bad-init", "signal-explodes", bad_init),
    Fault("tiny-init", "signal-vanishes", tiny_init),
    Fault("rate-times-100", "rate-too-high", rate_times_100),
    Fault("rate-over-1000", "rate-too-low", rate_over_1000),
    Fault("labels-shuffled", "labels-random", shuffled_labels),
    Fault("labels-wrong", "labels-wrong", wrong_labels),
    Fault("leak", "leak", leak),
    Fault("dead-layer", "dead-layer", dead_layer),
    Fault("few-images", "variance", few_images),
    Fault("too-simple", "bias", too_simple),
    Fault("inverted-validation", "shift", inverted_validation),
    Fault("not-normalised", "preprocessing-differs", not_normalised),
    Fault("told-by-file", "told-by-file", told_by_file),
    Fault("failing-group", "failing-group", failing_group),
)


def main() -> None:
    """Print a line for each training, and a table in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    only = set(filter(None, asked.only.split(",")))
    rows = [_row(fault, asked.seeds) for fault in FAULTS if not only or fault.name in only]
    table = "\n".join(
        [
            "| fault | finding | named first | named at all | twins with a warning | said instead |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )
    print(table)
    if asked.out:
        made = f"`python benchmarks/diagnosis/planted.py --seeds {asked.seeds}`"
        head = f"# Planted faults, each with its healthy twin\n\n{date.today()}, by {made}.\n\n"
        asked.out.write_text(f"{head}{table}\n")


def _row(fault: Fault, seeds: int) -> str:
    first = named = alarmed = 0
    instead: list[str] = []
    for seed in range(seeds):
        for planted in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                found = fault.make(Path(folder), seed, planted)
            names = [finding.name for finding in found.findings]
            alarming = [finding.name for finding in found.findings if finding.is_alarming]
            print(f"{fault.name} seed {seed} {'planted' if planted else 'healthy'}: {names}", flush=True)
            if planted:
                first += names[:1] == [fault.expected]
                named += fault.expected in names
                instead += names[:1] if names[:1] != [fault.expected] else []
            else:
                alarmed += bool(alarming)
                instead += [f"twin: {name}" for name in alarming]
    said = ", ".join(sorted(set(instead)))
    return (
        f"| {fault.name} | {fault.expected} | {first} of {seeds} | {named} | {alarmed} of {seeds} | {said} |"
    )


if __name__ == "__main__":
    main()
