"""Seeds crossed with images: equal to a textbook's analysis of variance, and right in the limits."""

import numpy as np
import pytest
from scipy import stats

from convscope.comparison.crossed import cross
from convscope.comparison.estimate import holm, of_folds, of_recipes


def made(seeds: int, images: int, *, of_seed: float, of_image: float, luck: float, number: int) -> np.ndarray:
    random = np.random.default_rng(number)
    return (
        of_seed * random.normal(size=(seeds, 1))
        + of_image * random.normal(size=(1, images))
        + luck * random.normal(size=(seeds, images))
    )


def test_components_are_those_of_the_two_way_analysis_of_variance() -> None:
    values = made(4, 60, of_seed=0.5, of_image=1, luck=2, number=0)
    found = cross(values, values[:3] + 1)
    left = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    assert float(found.residual[0]) == pytest.approx((left**2).sum() / (3 * 59))
    assert float(found.between_seeds[0]) == pytest.approx(values.mean(1).var(ddof=1))


def test_where_images_are_the_same_for_both_it_is_welchs_test_over_seeds() -> None:
    first, second = (made(5, 4000, of_seed=1, of_image=0, luck=0, number=n) for n in (1, 2))
    second = second * 3
    found = cross(first, second)
    welch = stats.ttest_ind(second.mean(1), first.mean(1), equal_var=False)
    assert float(found.p_value) == pytest.approx(welch.pvalue, rel=1e-3)


def test_where_seeds_change_nothing_it_is_the_paired_test_over_images() -> None:
    first, second = (
        np.repeat(made(1, 80, of_seed=0, of_image=1, luck=0, number=n), 4, axis=0) for n in (3, 4)
    )
    paired = stats.ttest_rel(second[0], first[0])
    assert float(cross(first, second).p_value) == pytest.approx(paired.pvalue, rel=0.02)


def test_seeds_all_alike_do_not_make_it_certain() -> None:
    """Each seed gets 27 of 30 right, other ones each time: the counts do not vary, and luck is at work."""
    random = np.random.default_rng(0)

    def seeds(right: int) -> np.ndarray:
        return np.stack([random.permutation([True] * right + [False] * (30 - right)) for _ in range(3)])

    found = of_recipes(seeds(27), seeds(28))
    assert found.p_value > 0.05
    assert found.interval[0] < 0 < found.interval[1]


def test_many_comparisons_at_once_are_the_same_as_one_by_one() -> None:
    random = np.random.default_rng(5)
    first, second = random.random((6, 3, 40)) < 0.9, random.random((6, 4, 40)) < 0.8
    together = cross(first, second)
    assert together.p_value.tolist() == pytest.approx(
        [float(cross(a, b).p_value) for a, b in zip(first, second, strict=True)]
    )


def test_few_seeds_leave_a_wide_interval_and_more_narrow_it() -> None:
    def width(seeds: int) -> float:
        """On the mean over some draws."""
        found = []
        for number in range(0, 40, 2):
            pair = [made(seeds, 100, of_seed=1, of_image=1, luck=1, number=number + n) for n in (0, 1)]
            low, high = of_recipes(*pair).interval
            found.append(high - low)
        return float(np.mean(found))

    assert width(2) > 2 * width(4) > 4 * width(16)


def test_folds_count_the_training_images_that_they_share() -> None:
    differences = np.array([0.02, 0.01, 0.03, 0.00, 0.02])
    found = of_folds(differences, 5, 500)
    error = differences.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    assert found.interval[1] - found.value == pytest.approx(2.776445 * error)


def test_holms_published_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9]) == [0.9]


def test_with_two_seeds_the_p_value_is_where_the_interval_reaches_nought() -> None:
    random = np.random.default_rng(4)
    first, second = random.random((5, 2, 200)) < 0.9, random.random((5, 2, 200)) < 0.8
    crossed = cross(first, second)
    for place, p_value in enumerate(crossed.p_value):
        low, high = (float(end[place]) for end in crossed.interval(1 - p_value))
        assert 1e-12 < p_value < 1
        assert min(abs(low), abs(high)) < 1e-6


def test_with_two_seeds_equals_have_no_difference() -> None:
    same = np.ones((2, 30), dtype=bool)
    assert cross(same, same).p_value == 1.0
