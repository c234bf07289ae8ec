"""Is its softmax saturated: are even its wrong answers given with a probability of 1?"""

import numpy as np
from scipy.special import bdtrc, softmax

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.wording import rounded, some

_CERTAIN = 1e-6
"""So little is left for all other classes together: in single precision, next to nothing."""
_USUAL = 0.2
"""Of the wrong answers. A network that learned few images by heart is as sure of some."""
_FEWEST = 20


def saturated(held_out: Predictions) -> Verdict:
    """Whether wrong answers are as sure as an answer can be.

    Goodfellow, Bengio and Courville, "Deep learning" (2016), section 6.2.2.3: where one score is far above
    all others, probabilities say nothing any more of how likely an answer is to be right.
    """
    wrong = held_out.predicted != held_out.labels
    total = int(wrong.sum())
    if total < _FEWEST:
        raise AbsentError(f"{some(total, 'wrong answer')} held out are too few to ask how sure they are")
    logits = held_out.logits[wrong].astype(np.float64)
    probabilities = np.sort(softmax(logits, axis=1), axis=1)
    count = int((probabilities[:, :-1].sum(axis=1) <= _CERTAIN).sum())
    spread = float(np.median(logits.max(axis=1) - np.sort(logits, axis=1)[:, -2]))
    said = f"{count:,} of {some(total, 'wrong answer')} leave all other classes less than a millionth"
    p = 1.0 if count == 0 else float(bdtrc(count - 1, total, _USUAL))
    if p >= 0.5:
        return Verdict(fine=said)
    finding = Finding(
        name="softmax-saturated",
        severity="warning",
        sentence="its softmax is saturated: it is certain of its wrong answers, too",
        evidence=f"{said}; the highest of their logits lies {rounded(spread)} above the next",
        advice="Start with smaller weights: --initialiser he; train with a lower --learning-rate, or with "
        "--label-smoothing 0.1",
        p=p,
    )
    return Verdict(findings=(finding,), fine=said)
