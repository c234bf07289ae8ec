"""Is an image normalised in the same way when it is judged as when it was learned from?"""

import math

from scipy.special import ndtr

from convscope.data.preprocessing import Preprocessing
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, rounded

_OFF = 0.1
"""Standard deviations of the pixels by which the mean may be off; and log ratios of the deviations."""
_MARGIN = 0.05
_FEWEST = 50


def preprocessed(used: Preprocessing, learned_by: Preprocessing) -> Verdict:
    """Whether the classifier subtracts and divides by the same as when it learned.

    Args:
        used: by the classifier.
        learned_by: what its training images have, or what pretrained weights expect.
    """
    spread = float(learned_by.std.mean())
    off = float((used.mean - learned_by.mean).abs().mean()) / max(spread, 1e-6)
    wider = abs(math.log(float(used.std.mean()) / spread))
    said = f"mean {rounded(float(used.mean.mean()))} and deviation {rounded(float(used.std.mean()))}"
    has = f"mean {rounded(float(learned_by.mean.mean()))} and deviation {rounded(spread)}"
    if max(off, wider) <= _OFF:
        return Verdict(fine=f"pixels are standardised by {said}, as in training")
    finding = Finding(
        name="preprocessing-differs",
        severity="error",
        sentence="the classifier standardises images otherwise than in training",
        evidence=f"by {said}; it learned by {has}",
        advice="Its classifier.json was changed, or is another run's: take the run's own, or train again",
        p=0.0,
    )
    return Verdict(findings=(finding,), fine="")


def batch_statistics(running: Predictions, of_batch: Predictions) -> Verdict:
    """Whether batch normalisation's running statistics fit the images, or were never measured.

    Ioffe and Szegedy, "Batch normalization" (2015): training normalises by the batch, judging by what was
    measured before; where the two differ, the network was not trained for what it sees.

    Args:
        running: the answers as they are given.
        of_batch: the answers to the same images, normalised by these images.
    """
    if len(running) < _FEWEST:
        raise AbsentError(f"fewer than {_FEWEST} images to compare the two on")
    right, other = running.predicted == running.labels, of_batch.predicted == of_batch.labels
    lost, won = int((other & ~right).sum()), int((right & ~other).sum())
    gap = (lost - won) / len(right)
    error = math.sqrt(max(lost + won, 1)) / len(right)
    evidence = (
        f"{percent(running.accuracy.value)} right by running statistics, {percent(of_batch.accuracy.value)} "
        f"by those of {len(right):,} images themselves"
    )
    if gap <= _MARGIN:
        return Verdict(fine=evidence)
    finding = Finding(
        name="statistics-differ",
        severity="error",
        sentence="batch normalisation judges by other statistics than it was trained with",
        evidence=evidence,
        advice="Measure them again over the training images; a larger --batch-size keeps them near",
        p=float(ndtr(-(gap - _MARGIN) / error)),
    )
    return Verdict(findings=(finding,), fine=evidence)
