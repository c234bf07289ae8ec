"""What a run says about itself: its data, its predictions, its final figures."""

import csv
import io
import math
from typing import Any

import torch

from convscope.classifier.classifier import Classifier
from convscope.classifier.storage import checkpoint_step, final_checkpoint
from convscope.data.dataset import Dataset
from convscope.data.preprocessing import Preprocessing
from convscope.evaluation.predictions import predict_images, read_held_out, write_predictions
from convscope.runs.folder import Run
from convscope.training.cross_validation import FoldScores
from convscope.training.fits import compare_fits
from convscope.training.showcase import choose_showcase

SUMMARY = "summary.json"


def write_dataset(run: Run, dataset: Dataset, preprocessing: Preprocessing) -> None:
    """`dataset.json` and `splits.csv`."""
    classification = bool(dataset.class_names)
    counts = {
        split: torch.bincount(images.labels, minlength=len(dataset.class_names)).tolist()
        for split, images in dataset.splits.items()
        if classification
    }
    run.write(
        "dataset.json",
        {
            "source": run.config.data.source,
            "name": dataset.name,
            "task": "classification" if classification else "regression",
            "class_names": list(dataset.class_names),
            "sizes": {split: len(images) for split, images in dataset.splits.items()},
            "class_counts": counts,
            "image": {
                "height": preprocessing.height,
                "width": preprocessing.width,
                "channels": preprocessing.channels,
            },
            "fingerprint": dataset.fingerprint,
            "quarantined": [{"path": entry.path, "reason": entry.reason} for entry in dataset.quarantined],
            "notes": list(dataset.notes),
        },
    )
    run.write_bytes("splits.csv", _splits_csv(dataset))


def _splits_csv(dataset: Dataset) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("path", "class", "split", "content"))
    for split, images in dataset.splits.items():
        for path, label, content in zip(images.ids, images.labels.tolist(), images.hashes, strict=True):
            writer.writerow(
                (path, dataset.class_names[label] if dataset.class_names else label, split, content)
            )
    return text.getvalue().encode()


def finish_run(
    run: Run,
    dataset: Dataset,
    device: torch.device,
    seconds: dict[str, float],
    folds: FoldScores | None = None,
) -> None:
    """Evaluate the run's classifier on validation and test, and keep predictions and `summary.json`.

    A cross-validated run (`folds`) is fitted on all its images: its test figures are made of what its folds
    said about the images held out from them.
    """
    which = final_checkpoint(run)
    classifier = Classifier.load(run.path, which).to(device)
    judged = [
        (predict_images(classifier, dataset.splits[split], split), dataset.splits[split])
        for split in ("validation", "test")
        if len(dataset.splits[split])
    ]
    if folds is not None:
        judged.append((read_held_out(run), dataset.train))
    for predictions, _ in judged:
        write_predictions(run, predictions)
    run.write_arrays("predictions/images.npz", choose_showcase(judged))
    fits = compare_fits(classifier, run.config.data, dataset.validation.ids)
    metrics = run.metrics()
    run.write(
        SUMMARY,
        {
            "run": str(run.path),
            "network": classifier.network_config.name,
            "parameters": sum(parameter.numel() for parameter in classifier.network.parameters()),
            "checkpoint": which,
            "steps": metrics[-1]["step"] if metrics else 0,
            "epochs": metrics[-1]["epoch"] if metrics else 0,
            "best_step": checkpoint_step(run, "best") if (run.checkpoint_folder / "best").exists() else None,
            "untrained": _untrained(run, classifier),
            **({"fits": [fit.to_dict() for fit in fits]} if fits else {}),
            **({} if folds is None else {"folds": folds.to_dict()}),
            **{predictions.split: predictions.evaluation.to_dict() for predictions, _ in judged},
            "seconds": {name: round(value, 2) for name, value in seconds.items()},
        },
    )


def _untrained(run: Run, classifier: Classifier) -> dict[str, Any] | None:
    """Loss and accuracy before the first step, beside what a network that knows nothing has."""
    for record in run.metrics():
        if record["step"] == 0 and record["split"] == "validation":
            chance = math.log(len(classifier.class_names)) if classifier.class_names else None
            return {"loss": record["loss"], "accuracy": record["accuracy"], "chance_loss": chance}
    return None
