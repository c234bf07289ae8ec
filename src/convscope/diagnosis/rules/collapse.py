"""Does it answer at all: not one class to all images, and better than the most frequent class?"""

from dataclasses import replace

import numpy as np
from scipy.special import bdtr

from convscope.diagnosis import answers as rules
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Verdict
from convscope.evaluation.predictions import Predictions

_FEWEST = 30
"""With fewer images a class that is never answered may be luck."""


def collapse(held_out: Predictions) -> Verdict:
    """Whether the answers collapsed, as `convscope.diagnosis.answers` asks, with the chance of each."""
    if held_out.is_regression:
        found = [replace(each, p=0.0) for each in rules.one_number(held_out)]
        return Verdict(findings=tuple(found), fine="its answers differ from image to image")
    one = rules.one_answer(held_out)
    if one:
        found = [replace(each, p=0.0 if len(held_out) >= _FEWEST else 1.0) for each in one]
        return Verdict(findings=tuple(found), fine="")
    never = [replace(each, p=_chance_of_silence(held_out)) for each in rules.never_answered(held_out)]
    no_better = _no_better(held_out)
    fine = "too few images to tell it from the most frequent class" if no_better else "better than chance"
    return Verdict(findings=(*never, *no_better), fine=f"every class is answered, and {fine}")


def _chance_of_silence(judged: Predictions) -> float:
    """A sound network gives the images of a class its name at least three times in ten."""
    given = np.bincount(judged.predicted, minlength=len(judged.class_names))
    true = np.bincount(judged.labels, minlength=len(judged.class_names))
    silent = true[(given == 0) & (true > 0)]
    return float(min(1.0, len(true) * (0.7 ** silent.astype(np.float64)).min()))


def _no_better(judged: Predictions) -> list[Finding]:
    """Only where a sound network, right where the frequent class errs one time in five, would show it."""
    common = float(np.bincount(judged.labels).max() / len(judged))
    sound = common + 0.2 * (1 - common)
    p = float(bdtr(judged.accuracy.correct, len(judged), sound))
    return [replace(each, p=p) for each in rules.no_better(judged)]
