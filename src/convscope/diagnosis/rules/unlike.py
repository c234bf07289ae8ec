"""Are more of the judged images unlike the training images than there would be by chance?"""

import numpy as np
from scipy.special import betaln, gammaln

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, shown, some

_MANY = 0.05
"""Of the images; fewer are looked at one by one."""
_FEWEST = 20


def unlike_training(judged: Predictions) -> Verdict:
    """Whether more images are unlike the training images, to the network and to the eye, than chance makes.

    Of images like those held out a known share passes the threshold; how many of N do follows a beta-binomial
    distribution, since the threshold itself is one of the images held out (Vovk, "Conditional validity of
    inductive conformal predictors", 2012).

    Args:
        judged: answers to images by which the threshold was not set.
    """
    if judged.likeness is None or judged.false_alarms == 0:
        raise AbsentError("what its training images are like was not measured, or on too few images held out")
    if len(judged) < _FEWEST:
        raise AbsentError(f"fewer than {_FEWEST} images are judged")
    count, total = int(judged.is_unknown.sum()), len(judged)
    allowed = round(judged.false_alarms * (judged.likened_to + 1))
    evidence = (
        f"{count:,} of {total:,} are called unknown, where of images like those of training "
        f"{percent(judged.false_alarms, 1)} are, by {some(judged.likened_to, 'image')} held out"
    )
    if count < _MANY * total:
        return Verdict(fine=evidence)
    least = int(np.argmin(judged.likeness))
    finding = Finding(
        name="unlike-training",
        severity="warning",
        sentence=f"{percent(count / total)} of the images are unlike the training images",
        evidence=f"{evidence}; the least alike: {shown(judged.ids[least])}",
        advice="Look at those that predict calls unknown; take training images like them, or keep such out",
        p=at_least(count, total, allowed, judged.likened_to),
    )
    return Verdict(findings=(finding,), fine=evidence)


def at_least(count: int, total: int, allowed: int, images: int) -> float:
    """The chance that of `total` images at least `count` pass a threshold that `allowed` - 1 of others pass.

    All images are alike, and the threshold is the `allowed`-th greatest value of `images` of them.
    """
    some_ = np.arange(count, total + 1)
    ways = gammaln(total + 1) - gammaln(some_ + 1) - gammaln(total - some_ + 1)
    shape = allowed, images + 1 - allowed
    mass = np.exp(ways + betaln(some_ + shape[0], total - some_ + shape[1]) - betaln(*shape))
    return float(min(1.0, mass.sum()))
