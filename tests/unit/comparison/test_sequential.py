"""Looking after every pair: the level is kept, a difference stops it early, and the budget ends it."""

import numpy as np
import pytest

from convscope.comparison.crossed import Crossed, cross
from convscope.comparison.sequential import FIRST_LOOK, LAST_LEVELS, MOST_SEEDS, Watch, level
from convscope.errors import UsageError


def drawn(seeds: int, right: tuple[float, float], number: int, images: int = 400) -> Crossed:
    random = np.random.default_rng(number)
    return cross(*(random.random((seeds, images)) < share for share in right))


def test_no_look_has_the_whole_level_and_later_ones_have_more() -> None:
    for at_most in (4, 7, 10, 30):
        levels = [level(seeds, at_most) for seeds in range(FIRST_LOOK, at_most + 1)]
        assert levels == sorted(levels)
        assert 0.003 < levels[0] < levels[-1] < 0.05
        assert levels[-1] <= LAST_LEVELS[4]


@pytest.mark.parametrize("at_most", [3, MOST_SEEDS + 1])
def test_a_number_that_was_not_calibrated_is_refused(at_most: int) -> None:
    with pytest.raises(UsageError, match="--at-most"):
        Watch(at_most)


def test_false_alarms_stay_below_five_per_cent_though_one_looks_eight_times() -> None:
    random, alarms = np.random.default_rng(0), 0
    for _ in range(400):
        right = random.random((2, 10, 120)) < 0.9
        alarms += any(
            abs(float(crossed.value)) > float(crossed.cautious_half(1 - level(seeds, 10)))
            for seeds in range(3, 11)
            for crossed in [cross(right[0, :seeds], right[1, :seeds])]
        )
    assert alarms <= 0.08 * 400  # 5 % and three standard errors


def test_a_large_difference_is_sure_at_the_first_look() -> None:
    watch = Watch(10)
    watch.see(drawn(3, (0.95, 0.75), 1), 0.01)
    assert (watch.word, watch.is_over) == ("worse", True)
    assert watch.p_value is not None
    assert watch.p_value < 0.05


def test_what_is_no_larger_than_the_margin_ends_as_the_same() -> None:
    watch = Watch(10)
    watch.see(drawn(8, (0.9, 0.9), 2, images=5000), 0.02)
    assert watch.word == "same"


def test_the_p_value_never_grows_and_the_last_seed_ends_it() -> None:
    watch, seen = Watch(6), []
    for seeds in range(3, 7):
        watch.see(drawn(seeds, (0.9, 0.9), seeds), 0.0001)
        seen.append(watch.p_value)
    assert seen == sorted(seen, reverse=True)
    assert watch.is_over
    assert watch.word == "too close to tell"


def test_a_p_value_below_the_level_is_a_difference_beyond_the_looks_own_interval() -> None:
    found = {True: 0, False: 0}
    for number in range(40):
        crossed, watch = drawn(4, (0.92, 0.88), number), Watch(10)
        watch.see(crossed, 0.0001)
        beyond = abs(float(crossed.value)) > float(crossed.cautious_half(1 - level(4, 10)))
        assert watch.p_value is not None
        assert (watch.p_value < 0.05) == beyond
        found[beyond] += 1
    assert min(found.values()) > 3
