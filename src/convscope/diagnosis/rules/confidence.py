"""Is "90 % sure" right nine times in ten?"""

import math

import numpy as np
from scipy.special import ndtr, softmax

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.temperature import least_loss
from convscope.wording import percent, rounded

_NOTED = 0.03
"""By how much the confidence is off on average; less matters to nobody."""
_FEWEST = 50


def calibrated(held_out: Predictions) -> Verdict:
    """Whether its mean confidence is its accuracy, and what temperature would make it so.

    Guo et al., "On calibration of modern neural networks" (2017): logits divided by one number, fitted on
    images held out, repair most of it. Confidences are tested against the answers that they announce: if each
    were right with its own probability, the share of right answers would spread by a known amount.
    """
    if len(held_out) < _FEWEST:
        raise AbsentError(f"fewer than {_FEWEST} images are held out")
    sure = softmax(held_out.logits.astype(np.float64), axis=1).max(axis=1)
    off = float(sure.mean()) - held_out.accuracy.value
    error = math.sqrt(float((sure * (1 - sure)).sum()) + 1) / len(held_out)
    evidence = (
        f"mean confidence {percent(float(sure.mean()), 1)}, accuracy {percent(held_out.accuracy.value, 1)} "
        f"of {len(held_out):,} images held out; expected calibration error "
        f"{percent(held_out.calibration.error)}, by chance {percent(held_out.calibration.error_by_chance)}"
    )
    if abs(off) < _NOTED:
        return Verdict(fine=evidence)
    finding = Finding(
        name="miscalibrated",
        severity="note",
        sentence=f"it is {100 * abs(off):.1f} points {'surer' if off > 0 else 'less sure'} than it is right",
        evidence=evidence,
        advice=f"Divide its logits by {rounded(least_loss(held_out.logits, held_out.labels), 2)} before "
        "believing the probabilities",
        p=min(1.0, 2 * float(ndtr(-abs(off) / _wide(held_out, error)))),
    )
    return Verdict(findings=(finding,), fine=evidence)


def _wide(held_out: Predictions, announced: float) -> float:
    """The standard error, by the confidences or by the answers, whichever is larger."""
    share = (held_out.accuracy.correct + 1) / (len(held_out) + 2)
    return max(announced, math.sqrt(share * (1 - share) / len(held_out)))
