"""What it takes: plans that keep their promise when they are carried out."""

import numpy as np
import pytest

from convscope.comparison.crossed import cross
from convscope.comparison.paired import mid_p_mcnemar
from convscope.comparison.planning import Spread, images_between_two, plan_before, plan_on


def test_published_number_of_pairs() -> None:
    """Connor, 1987: a share of 0.2 differing, a difference of 0.1, 80 % power at 5 %."""
    assert images_between_two(0.1, 0.2) == pytest.approx(155, abs=1)


def test_the_images_planned_find_the_difference_four_times_of_five() -> None:
    count, random = images_between_two(0.04, 0.1), np.random.default_rng(0)
    only_first, only_second, _ = random.multinomial(count, (0.03, 0.07, 0.9), size=4000).T
    assert (mid_p_mcnemar(only_first, only_second) < 0.05).mean() == pytest.approx(0.8, abs=0.04)


def test_the_seeds_planned_find_the_difference_four_times_of_five() -> None:
    images, random = 400, np.random.default_rng(1)
    spread = Spread(of_images=0.0, of_seeds=2 * 0.02**2, of_luck=2 * 0.1 * 0.9)
    seeds = spread.seeds_for(0.03, images)
    assert seeds is not None
    assert seeds > 3
    found = 0
    for _ in range(300):
        first, second = (
            random.random((seeds, images)) < share + random.normal(scale=0.02, size=(seeds, 1))
            for share in (0.88, 0.91)
        )
        found += bool(cross(first, second).p_value < 0.05)
    assert found / 300 == pytest.approx(0.8, abs=0.08)


def test_where_the_images_are_too_few_no_number_of_seeds_is_enough() -> None:
    spread = Spread(of_images=0.05, of_seeds=0.0, of_luck=0.1)
    assert spread.seeds_for(0.01, 500) is None
    images = spread.images_for(0.01, 5)
    assert images is not None
    assert spread.detectable(5, images) <= 0.01 < spread.detectable(5, images - 1)


def test_more_images_need_fewer_seeds() -> None:
    needed = plan_before(0.95, 3000, 0.01)
    more = plan_on(needed, 12_000)
    assert needed.seeds_needed is not None
    assert more.seeds_needed is not None
    assert more.seeds_needed < needed.seeds_needed
    assert more.images_between_two == needed.images_between_two
