"""Which images does it get wrong, and for what does it take them?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.errors import UsageError
from convscope.looking.plan import telling_images
from convscope.looking.subject import SPLIT_NAMES, Subject


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenErrors:
    """Errors, the worst first: pixels uint8 (N, C, H, W), the true classes, and what they were taken for."""

    pixels: NDArray[np.uint8]
    true: tuple[str, ...]
    predicted: tuple[str, ...]


def see_errors(subject: Subject, count: int) -> SeenErrors:
    """The errors of greatest loss among the judged images, the worst first.

    Raises:
        UsageError: when there is no error, or the network answers with a number.
    """
    if not subject.class_names:
        raise UsageError("the network answers with a number: it has no errors of class")
    rows = np.array(telling_images(subject, count).wrong, dtype=np.int64)
    if not len(rows):
        split = SPLIT_NAMES[subject.judging_split]
        raise UsageError(f"the classifier makes no error on these {split} images")
    names, judged = subject.class_names, subject.judged
    place_of = {int(row): place for place, row in enumerate(judged.rows)}
    return SeenErrors(
        pixels=np.asarray(subject.images(subject.judging, rows).numpy(), dtype=np.uint8),
        true=tuple(names[label] for label in subject.judging.labels.numpy()[rows].tolist()),
        predicted=tuple(names[int(judged.outputs[place_of[row]].argmax())] for row in rows.tolist()),
    )
