import json

import numpy as np
import pytest
from scipy import stats

from convscope.evaluation.calibration import calibrate


def calibrated(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true distribution of the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(count, 4)).astype(np.float32)
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, labels


def test_error_by_hand() -> None:
    logits = np.log(np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]], dtype=np.float32))
    calibration = calibrate(logits, np.array([0, 1, 0, 0]), num_bins=2)
    assert [each.accuracy.n for each in calibration.bins] == [2, 2]
    assert [each.confidence for each in calibration.bins] == pytest.approx([0.6, 0.9])
    assert calibration.error == pytest.approx((0.1 + 0.1) / 2)
    assert calibration.overconfidence == pytest.approx(0.0, abs=1e-6)


def test_bins_hold_equally_many() -> None:
    calibration = calibrate(*calibrated(3_000))
    assert [each.accuracy.n for each in calibration.bins] == [200] * 15
    assert all(each.lowest <= each.confidence <= each.highest for each in calibration.bins)


def test_equal_confidences_do_not_depend_on_order() -> None:
    logits = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (30, 1))
    labels = np.repeat([0, 1], 15)
    assert len(calibrate(logits, labels).bins) == 1
    assert calibrate(logits, labels).error == calibrate(logits, labels[::-1]).error


def test_chance_alone_explains_a_calibrated_classifiers_error() -> None:
    results = [calibrate(*calibrated(300, seed)) for seed in range(40)]
    measured = np.mean([result.error for result in results])
    assert measured == pytest.approx(np.mean([result.error_by_chance for result in results]), rel=0.1)


@pytest.mark.parametrize(("count", "probability"), [(1, 0.3), (4, 0.93), (20, 0.5), (667, 0.9987)])
def test_chance_is_the_binomials_mean_deviation(count: int, probability: float) -> None:
    logits = np.tile(np.array([[probability, 1 - probability]]), (count, 1))
    calibration = calibrate(np.log(logits), np.zeros(count, dtype=np.int64), num_bins=1)
    confidence = calibration.bins[0].confidence
    expected = stats.binom(count, confidence).expect(lambda right: abs(right / count - confidence))
    assert calibration.error_by_chance == pytest.approx(expected, rel=1e-6)


def test_a_too_sure_classifier_is_seen() -> None:
    logits, labels = calibrated(4_000)
    loud = logits * 3
    assert calibrate(loud, labels).overconfidence > 0.1
    assert calibrate(logits, labels).error < calibrate(loud, labels).error / 4


def test_dictionary_and_text() -> None:
    calibration = calibrate(*calibrated(300))
    document = json.loads(json.dumps(calibration.to_dict(), allow_nan=False))
    assert len(document["bins"]) == 15
    assert str(calibration).startswith("calibration error ")
    empty = calibrate(np.zeros((0, 3), dtype=np.float32), np.zeros(0, dtype=np.int64))
    assert empty.to_dict()["error"] is None
    assert str(empty) == "calibration error – (no images)"
