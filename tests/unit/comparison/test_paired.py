"""McNemar's mid-p test and Tango's interval against published figures, and against each other."""

import numpy as np
import pytest

from convscope.comparison.paired import mid_p_mcnemar, paired_interval


def test_published_p_values() -> None:
    """Fagerland, Lydersen and Laake, 2013: the exact conditional test has 0.0703 and 0.0118 there."""
    assert float(mid_p_mcnemar(1, 7)) == pytest.approx(0.0391, abs=5e-5)
    assert float(mid_p_mcnemar(7, 1)) == float(mid_p_mcnemar(1, 7))


def test_published_interval() -> None:
    """Fagerland, Lydersen and Laake, Statistics in Medicine 33, 2014: one and seven of 21 pairs."""
    low, high = paired_interval(7, 1, 21)
    assert (float(low), float(high)) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize("both", [(0, 0), (3, 3), (40, 40)])
def test_as_many_either_way_is_no_evidence(both: tuple[int, int]) -> None:
    assert float(mid_p_mcnemar(*both)) == pytest.approx(1.0, abs=1e-12)
    low, high = paired_interval(*both, 100)
    assert float(low) == pytest.approx(-float(high))
    assert float(high) > 0.03


def test_the_interval_turns_with_the_sides_and_stays_within_bounds() -> None:
    for first, second, n in ((0, 12, 12), (3, 9, 30), (0, 1, 1), (250, 310, 9000)):
        low, high = (float(end) for end in paired_interval(first, second, n))
        back = [float(end) for end in paired_interval(second, first, n)]
        assert back == pytest.approx([-high, -low], abs=1e-9)
        assert -1 <= low < (second - first) / n <= high <= 1


def test_zero_leaves_the_interval_where_the_score_test_finds_a_difference() -> None:
    """At zero Tango's score is (c - b) / sqrt(b + c), McNemar's statistic."""
    for first in range(0, 30):
        for second in range(0, 30):
            if first + second == 0:
                continue
            low, high = (float(end) for end in paired_interval(first, second, 200))
            statistic = abs(second - first) / np.sqrt(first + second)
            assert (low > 0 or high < 0) == (statistic > 1.959964)


def test_many_comparisons_at_once_are_the_same_as_one_by_one() -> None:
    first, second, n = np.array([1, 5, 0]), np.array([7, 5, 0]), np.array([21, 50, 10])
    together = mid_p_mcnemar(first, second)
    assert together.tolist() == [float(mid_p_mcnemar(*each)) for each in zip(first, second, strict=True)]
    lows, _ = paired_interval(first, second, n)
    assert lows.tolist() == [float(paired_interval(*each)[0]) for each in zip(first, second, n, strict=True)]
