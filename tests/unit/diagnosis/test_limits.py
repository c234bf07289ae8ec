"""Bias or variance: the larger gap is named first, and gaps that chance makes are not named at all."""

import numpy as np
import pytest

from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.rules.limits import bias_and_variance
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion


def right(wrong: int, total: int) -> Proportion:
    return Proportion(total - wrong, total)


def answers(wrong: int, total: int) -> Predictions:
    labels = np.arange(total) % 4
    given = np.where(np.arange(total) < wrong, (labels + 1) % 4, labels)
    return Predictions(
        split="test",
        logits=np.eye(4, dtype=np.float32)[given],
        labels=labels,
        ids=tuple(map(str, range(total))),
        class_names=tuple("abcd"),
    )


def sure(verdict: Verdict) -> list[str]:
    return [each.name for each in verdict.findings if (each.p or 0) < 1e-4]


@pytest.mark.parametrize(
    ("learned", "met", "names"),
    [
        ((0, 50), (300, 1000), ["variance"]),
        ((550, 1000), (570, 1000), ["bias"]),
        ((100, 1000), (400, 1000), ["variance", "bias"]),
        ((300, 1000), (400, 1000), ["bias", "variance"]),
        ((3, 1000), (6, 1000), []),
        ((0, 40), (2, 20), []),
    ],
)
def test_what_limits_is_named_in_order(
    learned: tuple[int, int], met: tuple[int, int], names: list[str]
) -> None:
    assert sure(bias_and_variance(right(*learned), answers(*met), "none")) == names


@pytest.mark.parametrize("wrong", [(0, 300), (550, 570)], ids=["variance", "bias"])
def test_what_knows_photos_already_is_advised_where_it_is_at_hand_and_new(wrong: tuple[int, int]) -> None:
    learned, met = right(wrong[0], 1000), answers(wrong[1], 1000)
    advised = {
        pretraining: bias_and_variance(learned, met, pretraining).findings[0].advice
        for pretraining in ("had", "at hand", "none")
    }
    assert advised["at hand"].startswith("--network pretrained")
    assert "pretrained" not in advised["had"] + advised["none"]


def test_few_images_say_nothing() -> None:
    with pytest.raises(AbsentError, match="fewer than 20"):
        bias_and_variance(right(0, 100), answers(5, 19), "none")


def test_equal_errors_are_seldom_called_different() -> None:
    """Both splits err one time in five: at most one of a hundred pairs is below p = 0.01."""
    random = np.random.default_rng(0)
    chances = []
    for _ in range(400):
        learned, met = random.binomial(200, 0.2), random.binomial(100, 0.2)
        verdict = bias_and_variance(right(learned, 200), answers(met, 100), "none")
        chances += [each.p for each in verdict.findings if each.name == "variance"]
    assert sum(p < 0.01 for p in chances if p is not None) <= 4
