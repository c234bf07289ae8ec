"""Images that belong together are right or wrong together: what the interval of an accuracy makes of that."""

import numpy as np
import pytest

from convscope.evaluation.proportion import Proportion, interval_by_groups


def drawn(generator, share, alike, groups, each):
    """Whether images are right, and their groups; `alike` is the correlation within one (beta-binomial)."""
    chances = (
        generator.beta(share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike, groups)
        if alike
        else np.full(groups, share)
    )
    sizes = 1 + generator.poisson(each - 1, groups)
    numbers = np.repeat(np.arange(groups), sizes)
    return generator.random(len(numbers)) < chances[numbers], numbers


@pytest.mark.parametrize("share", [0.8, 0.95])
@pytest.mark.parametrize(("groups", "each"), [(30, 4), (120, 4)])
def test_the_interval_covers_the_truth_where_one_by_images_does_not(share, groups, each):
    generator, covered, by_images = np.random.default_rng(0), 0, 0
    for _ in range(1_000):
        right, numbers = drawn(generator, share, 0.8, groups, each)
        low, high = interval_by_groups(right, numbers)
        covered += low <= share <= high
        low, high = Proportion(int(right.sum()), len(right)).interval
        by_images += low <= share <= high
    assert covered / 1_000 > 0.9
    assert by_images / 1_000 < 0.8


def test_groups_that_mean_nothing_widen_it_little():
    right, numbers = drawn(np.random.default_rng(1), 0.8, 0.0, 200, 4)
    low, high = interval_by_groups(right, numbers)
    plain = Proportion(int(right.sum()), len(right)).interval
    assert 1 <= (high - low) / (plain[1] - plain[0]) < 1.3


def test_images_alone_have_wilsons_interval_or_one_a_little_wider():
    right = np.arange(60) % 5 > 0
    low, high = interval_by_groups(right, np.arange(60))
    plain = Proportion(48, 60).interval
    assert 1 <= (high - low) / (plain[1] - plain[0]) < 1.05


@pytest.mark.parametrize("right", [True, False])
def test_where_all_are_right_or_none_groups_count_as_one_image_each(right):
    answers, numbers = np.full(60, right), np.repeat(np.arange(12), 5)
    low, high = interval_by_groups(answers, numbers)
    plain = Proportion(12 * right, 12).interval
    assert high - low == pytest.approx(plain[1] - plain[0], rel=0.25)
    assert (high if right else low) == float(right)


@pytest.mark.parametrize("right", [np.array([], dtype=bool), np.ones(7, dtype=bool)])
def test_of_one_group_nothing_is_known(right):
    assert interval_by_groups(right, np.zeros(len(right), dtype=np.int64)) == (0.0, 1.0)
