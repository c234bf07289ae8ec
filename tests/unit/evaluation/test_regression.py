import json

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from convscope.errors import DataError, DivergedError
from convscope.evaluation.regression import evaluate_regression

RNG = np.random.default_rng(2)
TARGETS = RNG.integers(1, 50, 200).astype(np.float32)
PREDICTIONS = (TARGETS + RNG.normal(0.2, 0.6, 200)).clip(1, 49).astype(np.float32)
IDS = tuple(f"{index}.png" for index in range(200))


def test_figures_are_scikit_learns() -> None:
    result = evaluate_regression(PREDICTIONS, TARGETS, IDS)
    distances = np.abs(PREDICTIONS - TARGETS)
    assert result.mean_absolute_error.value == pytest.approx(
        reference.mean_absolute_error(TARGETS, PREDICTIONS)
    )
    assert result.root_mean_squared_error == pytest.approx(
        reference.root_mean_squared_error(TARGETS, PREDICTIONS), rel=1e-5
    )
    assert result.within_half.correct == (distances <= 0.5).sum()
    assert result.mean_error > 0
    interval = stats.ttest_1samp(distances.astype(np.float64), 0).confidence_interval(0.95)
    assert result.mean_absolute_error.interval == pytest.approx((interval.low, interval.high), rel=1e-5)


def test_worst_are_furthest_off_on_either_side() -> None:
    result = evaluate_regression(
        np.array([1, 12, 3], dtype=np.float32), np.array([9, 10, 3], dtype=np.float32), ("a", "b", "c")
    )
    assert [miss.id for miss in result.worst] == ["a", "b", "c"]
    assert [miss.error for miss in result.worst] == [-8, 2, 0]


def test_outside_the_training_range_is_said_and_kept_apart() -> None:
    predictions = np.array([10.25, 73, 30], dtype=np.float32)
    targets = np.array([10, 65, 30.25], dtype=np.float32)
    result = evaluate_regression(predictions, targets, ("a", "b", "c"), training_range=(1, 49))
    assert (result.targets_outside, result.answers_outside) == (1, 1)
    assert result.inside is not None
    assert result.inside.value == pytest.approx(0.25)
    assert result.mean_absolute_error.value == pytest.approx(8.5 / 3)
    assert "inside the range" in str(result)
    assert "1 targets, 1 answers" in result._repr_html_()


def test_inside_the_range_nothing_is_said_of_it() -> None:
    inside = evaluate_regression(PREDICTIONS, TARGETS, IDS, training_range=(1, 49))
    assert (inside.targets_outside, inside.answers_outside) == (0, 0)
    assert "the range" not in str(inside)


@pytest.mark.parametrize("count", [0, 1, 200])
def test_dictionary_is_strict_json(count: int) -> None:
    result = evaluate_regression(PREDICTIONS[:count], TARGETS[:count], IDS[:count], (1, 49))
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert document["mean_absolute_error"]["n"] == count
    assert "nan" not in str(result)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="199 ids"):
        evaluate_regression(PREDICTIONS, TARGETS, IDS[1:])
    with pytest.raises(DataError, match=r"shape \(200, 1\)"):
        evaluate_regression(PREDICTIONS[:, None], TARGETS, IDS)
    with pytest.raises(DataError, match=r"target of 0\.png"):
        evaluate_regression(PREDICTIONS[:1], np.array([np.nan], dtype=np.float32), IDS[:1])
    with pytest.raises(DivergedError, match="1 of 1 images"):
        evaluate_regression(np.array([np.inf], dtype=np.float32), TARGETS[:1], IDS[:1])
