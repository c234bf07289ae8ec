"""The rule by which a reported figure is called the same as ours: it must hold what it promises."""

import math

import numpy as np
import pytest

from convscope.config.reference import Figure
from convscope.trials.cards.figures import Measured, Pooled, difference
from convscope.trials.cards.verdicts import judge, judge_ordering, judge_repetition, prediction_interval


@pytest.mark.parametrize(
    ("seeds", "images", "source_images", "spread", "mean"),
    [
        (5, 10_000, 10_000, 0.004, 0.9),
        (5, 66, 66, 0.0, 0.9),
        (10, 1_000, 200, 0.01, 0.7),
        (3, 500, 500, 0.02, 0.5),
    ],
)
def test_one_more_run_lies_inside_19_times_of_20(
    seeds: int, images: int, source_images: int, spread: float, mean: float
) -> None:
    """Seeds and the source's run have true accuracies around one mean; each draws its own images."""
    draw = np.random.default_rng(0)
    inside, rounds = 0, 1_000
    for _ in range(rounds):
        true = np.clip(draw.normal(mean, spread, seeds + 1), 0, 1)
        ours = [Measured.of_count(int(draw.binomial(images, each)), images) for each in true[:-1]]
        reported = draw.binomial(source_images, true[-1]) / source_images
        low, high = prediction_interval(ours, source_images)
        inside += low <= reported <= high
    assert 0.93 < inside / rounds < 0.995


def test_one_seed_covers_the_images_of_both() -> None:
    """What is left out, the spread between seeds, is said."""
    one = Pooled("accuracy", (Measured.of_count(9_000, 10_000),))
    low, high = prediction_interval(one.seeds, 10_000)
    assert (low, high) == pytest.approx((0.9 - 0.00832, 0.9 + 0.00832), abs=1e-4)
    verdict = judge(Figure(value=0.906, images=10_000), one)
    assert verdict.word == "agrees"
    assert "one seed" in verdict.why


def test_the_interval_of_seeds_is_students() -> None:
    values = (0.80, 0.82, 0.84, 0.86, 0.88)
    low, high = prediction_interval([Measured(value=value) for value in values], None)
    half = 2.776445 * math.sqrt(0.001) * math.sqrt(1 + 1 / 5)
    assert (low, high) == pytest.approx((0.84 - half, 0.84 + half), abs=1e-5)


@pytest.mark.parametrize(
    ("figure", "values", "word"),
    [
        (Figure(value=0.9), (0.95, 0.951), "better"),
        (Figure(value=0.99), (0.95, 0.951), "worse"),
        (Figure(value=0.9505), (0.95, 0.951), "agrees"),
        (Figure(value=0.998), (0.99852, 0.99853), "agrees"),  # 99.8 % was rounded
        (Figure(value=1.0), (0.99852, 0.99853), "worse"),  # 100 % was not
        (Figure(value=0.82, to=0.87), (0.80, 0.81), "agrees"),
        (Figure(value=0.82, to=0.87), (0.95, 0.951), "better"),
        (Figure(kind="loss", value=2.0), (1.0, 1.001), "better"),
        (Figure(kind="loss", value=0.5), (1.0, 1.001), "worse"),
        (Figure(kind="count", shown=2, value=2.1), (5.0, 5.1), "differs"),
        (Figure(kind="number", value=1_728, label="weights"), (1_728.0,), "agrees"),
        (Figure(kind="number", value=1_728, label="weights"), (1_729.0,), "differs"),
        (Figure(kind="number", value=0.55, label="share"), (27 / 49,), "agrees"),
        (Figure(kind="number", value=0.56, label="share"), (27 / 49,), "differs"),
        (Figure(kind="claim", value=1, label="it arrives"), (1.0,), "agrees"),
        (Figure(kind="claim", value=1, label="it arrives"), (0.0,), "worse"),
        (Figure(kind="seconds", value=9.0, label="time"), (9.0,), "not comparable"),
        (Figure(), (0.9, 0.91), "no figure"),
    ],
)
def test_each_word(figure: Figure, values: tuple[float, ...], word: str) -> None:
    pooled = Pooled(figure.kind, tuple(Measured(value=value) for value in values))
    assert judge(figure, pooled).word == word


def test_other_data_are_never_compared() -> None:
    verdict = judge(Figure(value=0.9), Pooled("accuracy", (Measured(value=0.9),)), "other data: photos")
    assert (verdict.word, verdict.why) == ("not comparable", "other data: photos")


def test_all_right_is_not_taken_for_certain() -> None:
    """A source whose figure is 65 of 66 agrees with seeds that have none wrong of 66."""
    seeds = Pooled("accuracy", tuple(Measured.of_count(66, 66) for _ in range(5)))
    assert judge(Figure(value=65 / 66, images=66), seeds).word == "agrees"
    assert judge(Figure(value=0.5, images=66), seeds).word == "better"


def test_a_claim_needs_an_interval_on_one_side_of_zero() -> None:
    def claim(*values: float) -> str:
        return judge_ordering(Pooled("difference", tuple(Measured(value=value) for value in values))).word

    assert claim(0.02, 0.021, 0.019) == "agrees"
    assert claim(-0.02, -0.021, -0.019) == "worse"
    assert claim(0.02, -0.02, 0.001) == "undecided"
    assert claim(0.02) == "undecided"  # nothing says how far seeds lie apart


def test_the_interval_of_a_paired_difference_is_of_the_images_that_differ() -> None:
    """98.0 and 98.1 % right, but on which images? The same but 10: a tenth of a point is known well."""
    first, second = np.ones(10_000, bool), np.ones(10_000, bool)
    first[:190] = second[:200] = False
    paired, apart = difference(first, second, paired=True), difference(first, second, paired=False)
    assert paired.value == apart.value == pytest.approx(0.001)
    assert paired.interval is not None
    assert apart.interval is not None
    assert paired.interval[0] > 0 > apart.interval[0]


def test_a_difference_of_one_seed_leaves_open_what_its_images_do() -> None:
    """Its interval had no width, so that 11.44 points differed from 11.49."""
    train, test = np.ones(45_000, bool), np.ones(10_000, bool)
    train[:7_330] = test[:2_778] = False
    one = Pooled("difference", (difference(train, test, paired=False),))
    verdict = judge(Figure(kind="difference", split="train", minus="test", value=0.1144, images=10_000), one)
    assert verdict.word == "agrees"
    assert verdict.interval is not None
    assert verdict.interval[1] - verdict.interval[0] == pytest.approx(2 * 1.96 * 0.0048 * 2**0.5, rel=0.05)
    assert judge_repetition(one, Pooled("difference", (Measured(value=0.1150),))).word == "agrees"


def test_seeds_that_are_all_alike_leave_open_what_their_images_do() -> None:
    """100 % of 1,500 stood there without an interval."""
    one = Measured.of_count(1_500, 1_500)
    pooled = Pooled("accuracy", (one, one, one))
    assert pooled.interval == one.interval
    assert pooled.interval is not None
    assert pooled.interval[0] == pytest.approx(0.9974, abs=1e-4)
