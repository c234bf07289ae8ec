"""Asking a run: what it says of images, what it has learned, and its report."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.classifier.answers import Answers
from convscope.classifier.classifier import Classifier
from convscope.classifier.held_out.answering import Keeping, Promise
from convscope.classifier.pictures import Picture
from convscope.classifier.prediction import Prediction
from convscope.data.quarantine import Quarantined
from convscope.errors import UsageError

if TYPE_CHECKING:
    from convscope.report.pictures.look import Look


def load(run: str | PathLike[str], checkpoint: str = "final") -> Classifier:
    """The classifier of a run, or of a folder that `Classifier.save` made.

    Args:
        run: the folder.
        checkpoint: of a run: `final`, `last`, `best`, `untrained`, or a step.

    Raises:
        RunError: when the folder holds no classifier, or no such checkpoint.

    >>> import convscope as cs
    >>> print(cs.load("runs/photos"))
    network  two-conv                    ...
    classes  2: ant, bee
    images   24×24 px, colour            ...
    """
    return Classifier.load(Path(run), checkpoint)


def predict(
    run: str | PathLike[str] | Classifier,
    pictures: Picture | Iterable[Picture],
    *,
    checkpoint: str = "final",
    max_pixels: int | None = None,
    sets: float | None = None,
    risk: float | None = None,
    coverage: float | None = None,
) -> Answers:
    """Class and probability of each image; what cannot be read is named in `left_out`, and nothing stops.

    An image that is unlike those of training is `unknown`. What `sets`, `risk` and `coverage` ask for is
    kept to for images like those that were held out from training.

    Args:
        run: a run, a folder that a classifier was saved to, or a classifier, which is not loaded again.
        pictures: image files, folders of them, PIL images, or several of these.
        checkpoint: of a run: `final`, `last`, `best`, `untrained`, or a step.
        max_pixels: files of more pixels are left out; as in training unless given.
        sets: with this chance, as 0.95, the right class is among an image's `possible` ones.
        risk: at most this share of the answers given is wrong, with 95 % confidence; the others abstain.
        coverage: answer this share of the images, those that it is surest of; the others abstain.

    Raises:
        RunError: when there is no such run, or no such checkpoint in it.
        UsageError: a checkpoint is named beside a classifier; a share is asked for, and none was held out.

    >>> import convscope as cs
    >>> answers = cs.predict("runs/photos", "folder/")
    >>> [(answer.path, answer.class_name) for answer in answers]
    [('folder/other.png', 'bee')]
    >>> answers.left_out
    ()
    """
    if isinstance(run, Classifier) and checkpoint != "final":
        raise UsageError(f"a classifier that is loaded has its weights: load(run, {checkpoint!r}) has others")
    classifier = run if isinstance(run, Classifier) else load(run, checkpoint)
    promise = Promise(sets=sets, risk=risk, coverage=coverage)
    keeping = Keeping.of(promise, classifier.held_out) if promise else None
    found = list(classifier.reading_up_to(max_pixels).predict_all(pictures))
    given = [each for each in found if isinstance(each, Prediction)]
    return Answers(
        given if keeping is None else keeping.apply(given),
        (each for each in found if isinstance(each, Quarantined)),
        rests_on=classifier.held_out,
        keeping=keeping,
    )


def look(run: str | PathLike[str], checkpoint: str = "final") -> Look:
    """What the network of a run has learned, in pictures that show themselves.

    Raises:
        RunError: when there is no such run, or no such checkpoint in it.

    >>> import convscope as cs
    >>> picture = cs.look("runs/photos").filters()
    >>> picture.array.shape  # filters, channels, height, width
    (16, 3, 5, 5)
    >>> picture.save("filters.png").exists()
    True
    """
    from convscope.report.pictures.look import Look  # charts and pictures, which training does not need

    return Look(Path(run), checkpoint)


def report(run: str | PathLike[str]) -> Path:
    """Write a run's report.html again, from the run alone: one file for a browser, offline.

    Returns:
        The file's path.

    Raises:
        RunError: when the folder is not a run, a file in it is damaged, or the disk refuses.

    >>> import convscope as cs
    >>> cs.report("runs/photos").name
    'report.html'
    """
    from convscope.report.page.html import write_report

    return write_report(Path(run))
