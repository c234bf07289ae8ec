"""The images a classifier got wrong: which, as what, and how sure it was."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from convscope.wording import percent


@dataclass(frozen=True)
class ImageError:
    """One image, taken for something it is not."""

    id: str
    """The image's path or name, as in the run's predictions."""
    index: int
    """Its place in the split."""
    true: str
    """The class it is of."""
    predicted: str
    """The class it was taken for."""
    probability: float
    """What the classifier gave the predicted class, 0 to 1."""
    true_probability: float
    """What it gave the true class."""
    loss: float
    """Cross-entropy in nats: -ln(true_probability), exact where that rounds to 0."""

    def __str__(self) -> str:
        return f"{self.id}: {self.true} taken for {self.predicted} ({percent(self.probability, 1)})"

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


def cross_entropy_per_image(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Each image's loss in nats, (N,), in float64: finite for every finite logit."""
    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    losses: NDArray[np.float64] = -log_probabilities[np.arange(len(labels)), labels]
    return losses


def find_errors(
    logits: NDArray[np.float32], labels: NDArray[np.int64], ids: Sequence[str], class_names: Sequence[str]
) -> tuple[ImageError, ...]:
    """Every error of a split, in the split's order: `find_errors(...)[:9]` are the first nine.

    logits (N, K), labels (N,), one id per image, K class names.
    """
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    log_probabilities = log_softmax(logits[wrong].astype(np.float64), axis=1)
    errors = []
    for row, index in zip(log_probabilities, wrong.tolist(), strict=True):
        true, guess = int(labels[index]), int(predicted[index])
        errors.append(
            ImageError(
                id=ids[index],
                index=index,
                true=class_names[true],
                predicted=class_names[guess],
                probability=float(np.exp(row[guess])),
                true_probability=float(np.exp(row[true])),
                loss=float(-row[true]),
            )
        )
    return tuple(errors)


def worst_errors(errors: Sequence[ImageError], limit: int = 9) -> tuple[ImageError, ...]:
    """The errors of greatest loss, the worst first; equal losses stay in the split's order."""
    return tuple(sorted(errors, key=lambda error: -error.loss)[:limit])
