"""Does it look at the picture's middle, or rest on its border?

Geirhos et al., "Shortcut learning in deep neural networks" (2020): what should not matter is taken away, and
what should, and the accuracy of each is held against the other.
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, some

_KEEPS, _LOSES = 0.8, 0.5
"""Parts of what it has above the most frequent class."""
_FEWEST = 60


def shortcuts(whole: Predictions, covered: Mapping[str, Predictions]) -> Verdict:
    """Whether the border alone does for the answers, and the middle alone does not.

    Args:
        whole: the answers to some images held out.
        covered: the answers to the same images with their `middle` or their `border` covered.
    """
    total = len(whole)
    if total < _FEWEST:
        raise AbsentError(f"{some(total, 'image')} held out are too few to cover parts of")
    common = float(np.bincount(whole.labels).max() / total)
    gained = whole.accuracy.value - common
    shares = {name: judged.accuracy.value for name, judged in covered.items()}
    evidence = (
        f"{percent(whole.accuracy.value)} right of {some(total, 'image')}, {percent(shares['middle'])} with "
        f"the middle covered, {percent(shares['border'])} with the border covered; the most frequent class "
        f"{percent(common)}"
    )
    spread = math.sqrt(0.5 / total)  # of a difference of two shares, at the most
    keeps = (shares["middle"] - common - _KEEPS * gained) / spread
    loses = (common + _LOSES * gained - shares["border"]) / spread
    p = float(ndtr(-min(keeps, loses)))
    if gained <= 0 or p >= 0.5:
        return Verdict(fine=evidence)
    finding = Finding(
        name="rests-on-border",
        severity="warning",
        sentence="it answers by the border of the picture, and hardly needs the middle",
        evidence=evidence,
        advice="Look at where it sees a class (convscope look); cut the border off, or vary the background",
        p=p,
    )
    return Verdict(findings=(finding,), fine=evidence)
