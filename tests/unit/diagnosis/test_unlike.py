"""Whether more images are unlike the training images than chance makes; sound sets raise no alarm."""

import numpy as np
import pytest

from convscope.diagnosis.answers import answers
from convscope.diagnosis.rule import FALSE_ALARMS, AbsentError
from convscope.diagnosis.rules.shift import at_least, unlike_training
from convscope.evaluation.predictions import Predictions


def judged(likeness: np.ndarray | None, held_out: int = 199) -> Predictions:
    """Right answers to images of that likeness."""
    count = 100 if likeness is None else len(likeness)
    labels = np.arange(count) % 2
    return Predictions(
        split="test",
        logits=np.eye(2, dtype=np.float32)[labels] * 9,
        labels=labels,
        ids=tuple(f"{number}.png" for number in range(count)),
        class_names=("a", "b"),
        likeness=likeness,
        likened_to=held_out,
    )


def drawn(random: np.random.Generator, held_out: int, count: int) -> Predictions:
    known, new = np.sort(random.normal(size=held_out)), random.normal(size=count)
    as_unlike = held_out - np.searchsorted(known, new, side="left")
    return judged((as_unlike + 1) / (held_out + 1), held_out)


def test_a_fifth_of_other_images_is_found_and_the_least_alike_named() -> None:
    likeness = np.linspace(0.1, 1, 100)
    likeness[40:60] = 1 / 200
    likeness[70] = 0.0
    verdict = unlike_training(judged(likeness))
    [finding] = verdict.findings
    assert finding.sentence == "21 % of the images are unlike the training images"
    assert "70.png" in finding.evidence
    assert finding.p is not None
    assert finding.p < 1e-6
    assert [each.name for each in answers(judged(likeness))] == ["unlike-training"]


@pytest.mark.parametrize(("held_out", "count"), [(62, 62), (199, 400), (750, 750), (30, 1000)])
def test_images_like_training_raise_it_in_three_of_a_thousand_at_most(held_out: int, count: int) -> None:
    random = np.random.default_rng(held_out)
    alarms = [bool(answers(drawn(random, held_out, count))) for _ in range(1000)]
    assert sum(alarms) <= 1000 * FALSE_ALARMS + 5


def test_the_chance_is_that_of_drawing() -> None:
    random = np.random.default_rng(0)
    counts = np.array([int(drawn(random, 99, 50).is_unknown.sum()) for _ in range(20_000)])
    for count in (1, 2, 4):
        assert at_least(count, 50, 1, 99) == pytest.approx((counts >= count).mean(), abs=0.01)
    assert at_least(0, 50, 1, 99) == pytest.approx(1)


@pytest.mark.parametrize("likeness", [None, np.full(19, 0.5)])
def test_it_is_not_asked_where_nothing_can_be_said(likeness: np.ndarray | None) -> None:
    with pytest.raises(AbsentError):
        unlike_training(judged(likeness))
    with pytest.raises(AbsentError, match="too few images held out"):
        unlike_training(judged(np.full(50, 0.1), held_out=18))
