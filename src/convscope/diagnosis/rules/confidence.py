"""Is "90 % sure" right nine times in ten, and is it ever unsure?"""

import math

import numpy as np
from scipy.special import bdtrc, ndtr, softmax

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.starting import has_choice_of_weights
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.temperature import least_loss
from convscope.wording import percent, rounded, some

_NOTED = 0.03
"""By how much the confidence is off on average; less matters to nobody."""
_FEWEST = 50
_CERTAIN = 1e-6
"""So little is left for all other classes together: in single precision, next to nothing."""
_USUAL = 0.2
"""Of the wrong answers. A network that learned few images by heart is as sure of some."""
_FEWEST_WRONG = 20


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


def saturated(held_out: Predictions, network: NetworkConfig) -> Verdict:
    """Whether wrong answers are as sure as an answer can be.

    Goodfellow, Bengio and Courville, "Deep learning" (2016), section 6.2.2.3: where one score is far above
    all others, probabilities say nothing any more of how likely an answer is to be right.
    """
    wrong = held_out.predicted != held_out.labels
    total = int(wrong.sum())
    if total < _FEWEST_WRONG:
        raise AbsentError(f"{some(total, 'wrong answer')} held out are too few to ask how sure they are")
    logits = held_out.logits[wrong].astype(np.float64)
    probabilities = np.sort(softmax(logits, axis=1), axis=1)
    count = int((probabilities[:, :-1].sum(axis=1) <= _CERTAIN).sum())
    spread = float(np.median(logits.max(axis=1) - np.sort(logits, axis=1)[:, -2]))
    said = f"{count:,} of {some(total, 'wrong answer')} leave all other classes less than a millionth"
    p = 1.0 if count == 0 else float(bdtrc(count - 1, total, _USUAL))
    if p >= 0.5:
        return Verdict(fine=said)
    smaller = (
        "Start with smaller weights: --initialiser he; train" if has_choice_of_weights(network) else "Train"
    )
    finding = Finding(
        name="softmax-saturated",
        severity="warning",
        sentence="its softmax is saturated: it is certain of its wrong answers, too",
        evidence=f"{said}; the highest of their logits lies {rounded(spread)} above the next",
        advice=f"{smaller} with a lower --learning-rate, or with --label-smoothing 0.1",
        p=p,
    )
    return Verdict(findings=(finding,), fine=said)


def _wide(held_out: Predictions, announced: float) -> float:
    """The standard error, by the confidences or by the answers, whichever is larger."""
    share = (held_out.accuracy.correct + 1) / (len(held_out) + 2)
    return max(announced, math.sqrt(share * (1 - share) / len(held_out)))
