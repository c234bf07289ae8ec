"""How far did the weights come? Too little, and it is where it began; too far, and what it knew is lost."""

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, rounded

_HARDLY = 0.03
_FAR = 10.0
_STILL_WRONG = 0.1
_LOST = 0.3
"""Shares of the training images; where fewer are wrong, whatever the rate was did no harm."""


def way(moved: dict[str, float], train: Predictions) -> Verdict:
    """Whether the weights moved at all, and whether they were thrown about.

    After Karpathy ("A recipe for training neural networks", 2019), who watches the size of updates beside
    that of weights; here over the whole training, which holds for every optimizer.

    Args:
        moved: by layer, the length of the way from where its weights started, as a part of their size there.
        train: answers to training images.
    """
    if not moved:
        raise AbsentError("no weight moved")
    ways = sorted(moved.values())
    middle = ways[len(ways) // 2]
    wrong = 1 - train.accuracy.value
    said = f"half of the layers moved by less than {rounded(middle, 2)} times their size at the start"
    evidence = f"{said}; {percent(wrong)} of the training images are wrong"
    advice = "Train with the --learning-rate that convscope find-lr proposes"
    if middle < _HARDLY and wrong > _STILL_WRONG:
        finding = Finding(
            name="rate-too-low",
            severity="error",
            sentence="the weights are nearly where they started: the learning rate is too low",
            evidence=evidence,
            advice=advice,
            p=0.0,
        )
    elif middle > _FAR and wrong > _LOST:
        finding = Finding(
            name="rate-too-high",
            severity="error",
            sentence="the weights were thrown far from where they started: the learning rate is too high",
            evidence=evidence,
            advice=advice,
            p=0.0,
        )
    else:
        return Verdict(fine=said)
    return Verdict(findings=(finding,), fine="")
