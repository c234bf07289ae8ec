"""Which test images does it get wrong, and for what does it take them?"""

import numpy as np

from convscope.errors import UsageError
from convscope.report.looking.plan import telling_images
from convscope.report.looking.subject import Subject
from convscope.report.pictures.grids import image_grid
from convscope.report.pictures.notebook import Picture


def errors_of(subject: Subject, count: int) -> Picture:
    """The errors of greatest loss on the test split, the worst first.

    Raises:
        UsageError: when there is no error, or the network answers with a number.
    """
    if not subject.class_names:
        raise UsageError("the network answers with a number: it has no errors of class")
    rows = np.array(telling_images(subject, count).wrong, dtype=np.int64)
    if not len(rows):
        raise UsageError("the classifier makes no error on these test images")
    names = subject.class_names
    of_row = {int(row): place for place, row in enumerate(subject.judged.rows)}
    predicted = [int(subject.judged.outputs[of_row[row]].argmax()) for row in rows.tolist()]
    true = [names[label] for label in subject.judging.labels.numpy()[rows].tolist()]
    guesses = [names[label] for label in predicted]
    pixels = np.asarray(subject.images(subject.judging, rows).numpy(), dtype=np.uint8)
    said = ", ".join(f"{a} taken for {b}" for a, b in zip(true, guesses, strict=True))
    return Picture(array=pixels, drawing=image_grid(pixels, true, guesses), alt=f"The worst errors: {said}.")
