"""Which images a run keeps, so that its report can be drawn when the data is elsewhere."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data.dataset import ImageSet
from convscope.evaluation.errors import cross_entropy_per_image
from convscope.evaluation.predictions import Predictions

PER_CELL = 6
RIGHT_PER_CLASS = 2
WORST = 24
FIRST_ERRORS = 18
MOST_IMAGES = 600
LARGEST_SIDE = 128


def choose_showcase(judged: Sequence[tuple[Predictions, ImageSet]]) -> dict[str, NDArray[np.generic]]:
    """Thumbnails of errors and of a few right answers.

    Args:
        judged: the predictions of each split, and a set that holds their images.

    Returns:
        `split` (M,) and `index` (M,), the row in that split's predictions; `images` (M, H, W, C) uint8.
    """
    splits, rows, pictures = [], [], []
    for predictions, images in judged:
        chosen = _choose_numbers(predictions) if predictions.is_regression else _choose_classes(predictions)
        row_of = {path: row for row, path in enumerate(images.ids)}
        places = [row_of[predictions.ids[row]] for row in chosen]
        splits += [predictions.split] * len(chosen)
        rows += chosen
        pictures.append(_thumbnails(images.images[torch.tensor(places, dtype=torch.int64)]))
    empty = np.zeros((0, 1, 1, 1), np.uint8)
    return {
        "split": np.array(splits, dtype=np.str_),
        "index": np.array(rows, dtype=np.int64),
        "images": np.concatenate(pictures) if pictures else empty,
    }


def _choose_classes(judged: Predictions) -> list[int]:
    """The worst and the first errors, some of every cell of the confusion matrix, a few right ones."""
    labels, predicted = judged.labels, judged.predicted
    loss = cross_entropy_per_image(judged.logits, labels)
    wrong = np.flatnonzero(labels != predicted)
    chosen = list(wrong[np.argsort(-loss[wrong], kind="stable")][:WORST]) + list(wrong[:FIRST_ERRORS])
    seen: dict[tuple[int, int], int] = {}
    for row in range(len(labels)):
        cell = int(labels[row]), int(predicted[row])
        seen[cell] = seen.get(cell, 0) + 1
        if seen[cell] <= (RIGHT_PER_CLASS if cell[0] == cell[1] else PER_CELL):
            chosen.append(row)
    return [int(row) for row in dict.fromkeys(chosen)][:MOST_IMAGES]


def _choose_numbers(judged: Predictions) -> list[int]:
    """The answers furthest off."""
    distance = np.abs(judged.values - judged.labels)
    return [int(row) for row in np.argsort(-distance, kind="stable")[:WORST]]


def _thumbnails(images: torch.Tensor) -> NDArray[np.uint8]:
    """Uint8 `(M, C, H, W)` -> `(M, H, W, C)`, no side longer than 128 pixels."""
    factor = max(1, -(-max(images.shape[2:]) // LARGEST_SIDE))
    if factor > 1:
        images = torch.nn.functional.avg_pool2d(images.float(), factor).round().to(torch.uint8)
    thumbnails: NDArray[np.uint8] = images.permute(0, 2, 3, 1).contiguous().numpy()
    return thumbnails
