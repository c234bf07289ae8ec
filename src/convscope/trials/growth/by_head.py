"""A learning curve in seconds: the exact head on frozen features, fitted on parts of the images."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from convscope.training.fine_tuning.exact import fit_head
from convscope.trials.growth.curve import Curve, Floats, stratified_order, subset_sizes
from convscope.work import counted

BY = "the exact head on subsets"

Part = tuple[Sequence[int], Sequence[int]]
"""The rows to learn from, and the rows that are held out."""


def curve_by_head(
    features: Tensor, labels: Tensor, clusters: Sequence[int], folds: Iterable[Part], seed: int = 0
) -> Curve:
    """How the error of the exact head falls with the number of images.

    Args:
        features: `(N, F)` of a frozen backbone.
        labels: `(N,)`, class indices.
        clusters: `(N,)`, numbers of what stays together.
        folds: each with its rows to learn from and those to judge by.
        seed: of the subsets, each of which holds the smaller ones.
    """
    parts, classes = [(list(train), list(held)) for train, held in folds], int(labels.max()) + 1
    counts = np.bincount(labels.numpy(), minlength=classes)
    sizes = subset_sizes(min(len(train) for train, _ in parts), int((counts > 0).sum()))
    wrong = np.zeros((len(sizes), sum(len(held) for _, held in parts)))
    start = 0
    for fold, (train, held) in enumerate(counted(parts, "fold of the learning curve")):
        order = stratified_order(labels[train].tolist(), [clusters[row] for row in train], seed + fold)
        for place, size in enumerate(sizes):
            rows = [train[each] for each in order[:size]]
            wrong[place, start : start + len(held)] = _wrong(features, labels, rows, held, classes)
        start += len(held)
    return Curve(
        sizes=np.array(sizes, dtype=np.int64),
        wrong=wrong,
        clusters=np.array([clusters[row] for _, held in parts for row in held], dtype=np.int64),
        by_chance=float(1 - counts.max() / counts.sum()),
        by=BY,
    )


def _wrong(features: Tensor, labels: Tensor, train: list[int], held: list[int], classes: int) -> Floats:
    head = fit_head(features[train], labels[train], num_classes=classes)
    with torch.inference_mode():
        answers = (features[held] @ head.weight.T + head.bias).argmax(1)
    return (answers != labels[held]).numpy().astype(np.float64)
