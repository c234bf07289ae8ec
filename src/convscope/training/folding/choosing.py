"""Which candidate a cross-validation chooses, and which each of its folds may stand for.

Choosing by the same images that judge would flatter: of several candidates that are equally good the
luckiest would be reported. So a fold stands for the candidate that the other folds of its repeat prefer,
which no image of its own has a say in; the classifier that is kept, for the one that all of them prefer.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import log_softmax

from convscope.evaluation.predictions import Predictions
from convscope.training.outcome.keeping import best_of

Candidates = Mapping[str, Predictions]
"""What each says of the images that one fold held out; the simplest first."""


def mean_losses(folds: Sequence[Candidates]) -> dict[str, float]:
    """Of each candidate over all images that the folds held out: log loss, or mean squared error."""
    images = sum(len(next(iter(fold.values()))) for fold in folds)
    return {name: sum(_loss(fold[name]) for fold in folds) / images for name in folds[0]}


def choose_by_others(folds: Sequence[Candidates], repeats: Sequence[int]) -> list[str]:
    """For each fold, the candidate that the others of its repeat prefer; `repeats` says which they are."""
    chosen = []
    for index, repeat in enumerate(repeats):
        others = [fold for at, fold in enumerate(folds) if repeats[at] == repeat and at != index]
        chosen.append(best_of(mean_losses(others)))
    return chosen


def _loss(predictions: Predictions) -> float:
    """Summed over the images."""
    if predictions.is_regression:
        return float(((predictions.values.astype(np.float64) - predictions.labels) ** 2).sum())
    logs = log_softmax(predictions.logits.astype(np.float64), axis=1)
    return -float(logs[np.arange(len(predictions)), predictions.labels].sum())
