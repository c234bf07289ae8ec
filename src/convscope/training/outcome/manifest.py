"""What a run says about its data: `dataset.json`, `splits.csv`, and which labels were corrected."""

import csv
import io

import torch

from convscope.data.corrections import write_corrections
from convscope.data.dataset import Dataset
from convscope.data.preprocessing import Preprocessing
from convscope.evaluation.series import write_series
from convscope.runs.folder import CORRECTIONS, DATASET, Run


def write_dataset(run: Run, dataset: Dataset, preprocessing: Preprocessing) -> None:
    """Its files, whatever they held before."""
    classification = bool(dataset.class_names)
    counts = {
        split: torch.bincount(images.labels, minlength=len(dataset.class_names)).tolist()
        for split, images in dataset.splits.items()
        if classification
    }
    write_series(run, dataset.series)
    run.write(
        DATASET,
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
            "corrected": [each.to_dict() for each in dataset.corrected],
        },
    )
    if dataset.corrected:
        run.write_bytes(CORRECTIONS, write_corrections(each.correction for each in dataset.corrected))
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
