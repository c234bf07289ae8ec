"""Which of the judged images to look at: a cell of the confusion matrix, a class, the surest errors."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from convscope.evaluation.predictions import Predictions


def surest_first(judged: Predictions, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The chosen rows `(N,)`, those first of whose answer the network is surest."""
    confidence = softmax(judged.logits.astype(np.float64), axis=1).max(axis=1)
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(-confidence[rows], kind="stable")]


def errors(judged: Predictions) -> NDArray[np.int64]:
    """The rows of all errors, those first of which the network is surest."""
    return surest_first(judged, judged.predicted != judged.labels)


def cell(judged: Predictions, true: int | None, predicted: int | None) -> NDArray[np.int64]:
    """The rows of one class, taken for one class; None leaves it open."""
    chosen = np.ones(len(judged), dtype=bool)
    if true is not None:
        chosen &= judged.labels == true
    if predicted is not None:
        chosen &= judged.predicted == predicted
    return surest_first(judged, chosen)
