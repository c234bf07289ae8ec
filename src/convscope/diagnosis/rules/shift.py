"""Are the images held out like those that it learned from, and are none of them the same?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtrc, betaln, gammaln

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.telling import HalfTest
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, shown, some, some_do

if TYPE_CHECKING:
    from convscope.diagnosis.copies import Neighbours, Pair

_PART = 0.15
"""Of the way from chance to all: a smaller shift is told from a thousand images, and matters to nobody."""

_NEAR, _MANY_NEAR = 0.05, 0.15
_AS_NEAR = (
    f"are as near to a training image as the nearest {percent(_NEAR)} of training images are to each other"
)
_MANY_SHARED = 0.01
_MANY_UNLIKE = 0.05
"""Of the images; fewer are looked at one by one."""
_FEWEST_JUDGED = 20


def shift(told_apart: Mapping[str, HalfTest]) -> Verdict:
    """Whether a split's images can be told from training images, by small copies of their pixels.

    Args:
        told_apart: by split, what came of telling as many of its images from training images.
    """
    if not told_apart:
        raise AbsentError("too few images are held out to compare them with training images")
    findings = []
    for split, test in told_apart.items():
        finding = Finding(
            name="shift",
            severity="warning",
            sentence=f"the {split} images are not like the training images",
            evidence=f"a linear classifier tells {percent(test.share)} of {test.total:,} apart rightly, "
            "and chance gives 50 %",
            advice=f"Look at both side by side; take training images from where the {split} images come from",
            p=min(1.0, len(told_apart) * test.p(_PART)),
        )
        if test.p(_PART) < 0.5:
            findings.append(finding)
    shares = ", ".join(f"{split} {percent(test.share)}" for split, test in told_apart.items())
    return Verdict(
        findings=tuple(findings), fine=f"told from training images no better than by chance: {shares}"
    )


def leaks(shared: "tuple[Pair, ...]", neighbours: "Neighbours") -> Verdict:
    """Whether images held out were trained on: the same content, or much nearer than two images ever are.

    Barz and Denzler, "Do we train on test data?" (2020), found such pairs in CIFAR-10 by their distances.

    Args:
        shared: the paths of each image held out and of its like among the training images.
        neighbours: how near training images, and images held out, are to training images.
    """
    if shared:
        held_out = sum(map(len, neighbours.met.values()))
        finding = Finding(
            name="leak",
            severity="error" if len(shared) > _MANY_SHARED * held_out else "note",
            sentence=f"{some_do(len(shared), 'image', 'stands')} both among the training images and "
            "among those held out",
            evidence=f"first {_pair(shared[0])}",
            advice="Take such images out of the training split",
            p=0.0,
        )
        return Verdict(findings=(finding,), fine="")
    near = float(np.quantile(neighbours.own, _NEAR))
    findings, said = [], []
    for split, met in neighbours.met.items():
        count = int((met <= near).sum())
        p = 1.0 if count == 0 else float(bdtrc(count - 1, len(met), _MANY_NEAR))
        said.append(f"{count:,} of {some(len(met), f'{split} image')}")
        finding = Finding(
            name="leak",
            severity="error",
            sentence=f"{split} images are nearly the same as training images: the figures flatter",
            evidence=f"{said[-1]} {_AS_NEAR}; first {_pair(neighbours.closest[split])}",
            advice="Keep what belongs together on one side: --group-by, by a part of the path",
            p=min(1.0, len(neighbours.met) * p),
        )
        if p < 0.5:
            findings.append(finding)
    return Verdict(findings=tuple(findings), fine=f"{' and '.join(said)} {_AS_NEAR}")


def _pair(pair: "Pair") -> str:
    return " = ".join(map(shown, pair))


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
    if len(judged) < _FEWEST_JUDGED:
        raise AbsentError(f"fewer than {_FEWEST_JUDGED} images are judged")
    count, total = int(judged.is_unknown.sum()), len(judged)
    allowed = round(judged.false_alarms * (judged.likened_to + 1))
    evidence = (
        f"{count:,} of {total:,} are called unknown, where of images like those of training "
        f"{percent(judged.false_alarms, 1)} are, by {some(judged.likened_to, 'image')} held out"
    )
    if count < _MANY_UNLIKE * total:
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
    counts = np.arange(count, total + 1)
    ways = gammaln(total + 1) - gammaln(counts + 1) - gammaln(total - counts + 1)
    shape = allowed, images + 1 - allowed
    mass = np.exp(ways + betaln(counts + shape[0], total - counts + shape[1]) - betaln(*shape))
    return float(min(1.0, mass.sum()))
