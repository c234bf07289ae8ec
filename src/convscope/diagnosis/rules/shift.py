"""Are the images held out like those that it learned from, and are none of them the same?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.telling import HalfTest
from convscope.wording import percent, shown, some_do

_PART = 0.15
"""Of the way from chance to all: a smaller shift is told from a thousand images, and matters to nobody."""

_NEAR, _MANY_NEAR = 0.05, 0.15
_MANY_SHARED = 0.01

Floats = NDArray[np.float64]


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


def leaks(shared: tuple[tuple[str, str], ...], nearest: tuple[Floats, Floats]) -> Verdict:
    """Whether images held out were trained on: the same content, or much nearer than two images ever are.

    Barz and Denzler, "Do we train on test data?" (2020), found such pairs in CIFAR-10 by their distances.

    Args:
        shared: the paths of each image held out and of its like among the training images.
        nearest: distances to the nearest training image: of training images to another one, of images held
            out.
    """
    own, met = nearest
    near = float(np.quantile(own, _NEAR)) if len(own) else 0.0
    count = int((met <= near).sum())
    p = 1.0 if count == 0 else float(bdtrc(count - 1, len(met), _MANY_NEAR))
    said = (
        f"{count:,} of {len(met):,} images held out are as near to a training image as the nearest "
        f"{percent(_NEAR)} of training images are to each other"
    )
    findings = []
    if shared:
        findings.append(
            Finding(
                name="leak",
                severity="error" if len(shared) > _MANY_SHARED * len(met) else "note",
                sentence=f"{some_do(len(shared), 'image', 'stands')} both among the training images and "
                "among those held out",
                evidence=f"first {shown(shared[0][0])} = {shown(shared[0][1])}",
                advice="Take such images out of the training split",
                p=0.0,
            )
        )
    elif p < 0.5:
        findings.append(
            Finding(
                name="leak",
                severity="error",
                sentence="images held out are nearly the same as training images: the figures flatter",
                evidence=said,
                advice="Keep what belongs together on one side: --group-by, by a part of the path",
                p=p,
            )
        )
    return Verdict(findings=tuple(findings), fine=said)
