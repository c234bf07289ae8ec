"""The temperature: found where it is known, kept where it helps beyond noise, and no order is changed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.evaluation.temperature import FEWEST, fit_temperature, least_loss, temper_by_others


def answers(count: int, seed: int, sharper: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits whose probabilities are right as often as they say, times `sharper`."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2, size=(count, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.uniform(size=(count, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return (logits * sharper).astype(np.float32), np.minimum(labels, 3).astype(np.int64)


@pytest.mark.parametrize("sharper", [0.4, 2.5])
def test_what_was_planted_is_found_and_kept(sharper: float) -> None:
    logits, labels = answers(2000, 0, sharper)
    found = fit_temperature(logits, labels)
    assert found is not None
    assert found.is_kept
    assert found.value == pytest.approx(sharper, rel=0.15)
    assert found.loss_after < found.loss_before
    assert found.error_after < found.error_before
    assert found.error_after < found.error_limit


def test_of_calibrated_answers_it_is_kept_in_few_of_a_hundred() -> None:
    kept = sum(fit_temperature(*answers(150, seed)).is_kept for seed in range(100))  # type: ignore[union-attr]
    assert kept <= 6


def test_the_figures_are_of_images_that_it_was_not_fitted_on() -> None:
    logits, labels = answers(200, 3, 3.0)
    found = fit_temperature(logits, labels)
    assert found is not None
    scaled = logits.astype(np.float64) / found.fitted
    in_sample = float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(200), labels]).mean())
    assert found.loss_after > in_sample


def test_each_part_is_tempered_by_the_others() -> None:
    logits, labels = answers(400, 4, 3.0)
    parts = np.repeat([0, 1], 200)
    apart = temper_by_others(logits, labels, parts)
    assert np.allclose(apart[:200], logits[:200] / least_loss(logits[200:], labels[200:]), rtol=1e-5)
    assert np.array_equal(apart.argmax(1), logits.argmax(1))
    assert np.array_equal(temper_by_others(logits, labels, np.zeros(400, np.int64)), logits)


def test_too_few_images_and_odd_answers_have_none() -> None:
    logits, labels = answers(FEWEST - 1, 5)
    assert fit_temperature(logits, labels) is None
    logits, labels = answers(100, 5)
    logits[0, 0] = np.inf
    assert fit_temperature(logits, labels) is None
    assert fit_temperature(logits[:, :1], np.zeros(100, np.int64)) is None


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_answers_that_are_nearly_all_right_are_not_made_surer_than_they_can_be(wrong: int) -> None:
    logits = np.random.default_rng(0).uniform(0.5, 1.5, size=(100, 1)) * np.array([[1.0, 0.0]])
    labels = np.zeros(100, np.int64)
    labels[:wrong] = 1
    found = fit_temperature(logits.astype(np.float32), labels)
    assert found is not None
    assert found.value == 1
    assert 1 / 21 < found.fitted < 0.5
