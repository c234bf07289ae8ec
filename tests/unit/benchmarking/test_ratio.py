"""Ratios: "faster" only where the interval excludes 1."""

import numpy as np
import pytest

from convscope.benchmarking.ratio import ratio_of


def test_twice_the_time_is_a_ratio_of_two() -> None:
    ratio = ratio_of([2.0, 4.0, 8.0, 2.0], [1.0, 2.0, 4.0, 1.0])

    assert ratio.value == pytest.approx(2)
    assert ratio.interval == pytest.approx((2, 2))
    assert ratio.excludes_one


def test_the_other_way_round_is_the_inverse() -> None:
    first, second = [1.0, 1.2, 0.9, 1.1, 1.3], [0.8, 1.0, 0.9, 1.0, 1.0]

    one, other = ratio_of(first, second), ratio_of(second, first)

    assert one.value == pytest.approx(1 / other.value)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval[0] == pytest.approx(1 / other.interval[1], rel=0.01)


def test_what_is_now_faster_and_now_slower_is_too_close_to_tell() -> None:
    assert not ratio_of([1.0, 1.2, 0.9, 1.1, 0.8], [1.1, 1.0, 1.0, 1.0, 1.0]).excludes_one


def test_two_rounds_have_no_interval() -> None:
    ratio = ratio_of([2.0, 2.0], [1.0, 1.0])

    assert ratio.interval is None
    assert not ratio.excludes_one


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Of 300 measurements of two equal things, in seven rounds each."""
    random = np.random.default_rng(1)
    wrong = sum(
        ratio_of(*np.exp(0.1 * random.standard_normal((2, 7))).tolist()).excludes_one for _ in range(300)
    )

    assert 3 <= wrong <= 30  # 15 expected
