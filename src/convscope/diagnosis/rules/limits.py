"""What limits the accuracy: that it does not learn its training images, or that it learns them alone?

Ng, "Machine learning yearning" (2018), chapters 20 to 27: the error on training images, above the best that
is possible, is avoidable bias; what comes on top of it on other images is variance.
"""

import math
from typing import TYPE_CHECKING

from scipy.special import ndtr

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion
from convscope.wording import percent

if TYPE_CHECKING:
    from convscope.networks.pretrained import Pretraining

_WORTH_IT = 0.02
"""A smaller part of the error is not worth an advice."""
_FEWEST = 20
_KNOWING = "--network pretrained helps most, which knows photos already"


def bias_and_variance(learned: Proportion, held_out: Predictions, pretraining: "Pretraining") -> Verdict:
    """Which of the two is larger, beyond what chance makes of so many images.

    Both errors are measured in evaluation mode, without augmentation; the best possible error is taken to
    be 0.

    Args:
        learned: right answers to training images.
        held_out: answers to images that it never met.
        pretraining: whether it knew photos before, or another network at hand does.
    """
    if min(learned.n, len(held_out)) < _FEWEST:
        raise AbsentError(f"fewer than {_FEWEST} training images, or images held out")
    missed, met = _errors(learned), _errors(held_out.accuracy)
    evidence = f"error {_said(missed)} on training images, {_said(met)} on images held out"
    findings = [
        finding
        for finding in (_variance(missed, met, evidence, pretraining), _bias(missed, evidence, pretraining))
        if finding is not None
    ]
    findings.sort(key=lambda finding: (finding.name == "bias") == (met.value > 2 * missed.value))
    return Verdict(findings=tuple(findings), fine=f"little is left to gain: {evidence}")


def _variance(
    learned: Proportion, met: Proportion, evidence: str, pretraining: "Pretraining"
) -> Finding | None:
    gap = met.value - learned.value
    p = larger_by_chance(met, learned)
    if gap < _WORTH_IT:
        return None
    return Finding(
        name="variance",
        severity="note",
        sentence=f"variance: it errs {100 * gap:.1f} points more often on images that it never met",
        evidence=evidence,
        advice=f"{_KNOWING}; then more images, stronger --augmentation, or --weight-decay"
        if pretraining == "at hand"
        else "More images help most, then stronger --augmentation, or --weight-decay",
        p=2 * p,
    )


def _bias(learned: Proportion, evidence: str, pretraining: "Pretraining") -> Finding | None:
    if learned.value < _WORTH_IT:
        return None
    # That the best possible error is 0 is an assumption: what is tested is that more than a part worth an
    # advice is left, by the normal approximation at that part.
    z = (learned.value - _WORTH_IT) / math.sqrt(_WORTH_IT * (1 - _WORTH_IT) / learned.n)
    return Finding(
        name="bias",
        severity="note",
        sentence=f"bias: {percent(learned.value)} of its own training images are wrong",
        evidence=evidence,
        advice=f"{_KNOWING}; or train longer, or with a larger network"
        if pretraining == "at hand"
        else "Train longer, or with a larger network; a better --learning-rate is proposed by: "
        "convscope find-lr",
        p=2 * float(ndtr(-z)),
    )


def larger_by_chance(larger: Proportion, smaller: Proportion) -> float:
    """How often two samples of one share differ by as much, one-sided: the pooled two-proportion test."""
    pooled = (larger.correct + smaller.correct + 1) / (larger.n + smaller.n + 2)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / larger.n + 1 / smaller.n))
    return float(ndtr(-(larger.value - smaller.value) / spread))


def _errors(right: Proportion) -> Proportion:
    return Proportion(right.n - right.correct, right.n)


def _said(errors: Proportion) -> str:
    low, high = errors.interval
    return f"{percent(errors.value)} ({100 * low:.1f}–{100 * high:.1f}, n = {errors.n:,})"
