import numpy as np
import pytest

from convscope.evaluation.errors import cross_entropy_per_image, find_errors, worst_errors

NAMES = ("ant", "bee", "wasp")
LOGITS = np.log(
    np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.1, 0.6, 0.3]], dtype=np.float32)
)
LABELS = np.array([0, 1, 2, 2])
IDS = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")


def test_errors_stand_in_the_splits_order_with_their_probabilities() -> None:
    errors = find_errors(LOGITS, LABELS, IDS, NAMES)
    assert [(error.id, error.index) for error in errors] == [("b.jpg", 1), ("c.jpg", 2), ("d.jpg", 3)]
    assert (errors[0].true, errors[0].predicted) == ("bee", "ant")
    assert errors[0].probability == pytest.approx(0.7)
    assert errors[0].true_probability == pytest.approx(0.2)
    assert errors[0].loss == pytest.approx(-np.log(0.2), rel=1e-6)
    assert str(errors[0]) == "b.jpg: bee taken for ant (70.0 %)"


def test_the_worst_have_the_greatest_loss() -> None:
    errors = find_errors(LOGITS, LABELS, IDS, NAMES)
    assert [error.id for error in worst_errors(errors, 2)] == ["c.jpg", "b.jpg"]


def test_a_loss_stays_exact_where_the_probability_vanishes() -> None:
    error = find_errors(np.array([[0, 5_000]], dtype=np.float32), np.array([0]), ("x",), ("a", "b"))[0]
    assert error.true_probability == 0.0
    assert error.loss == 5_000
    assert cross_entropy_per_image(LOGITS, LABELS)[0] == pytest.approx(-np.log(0.7), rel=1e-6)


def test_no_errors() -> None:
    assert find_errors(LOGITS[:1], LABELS[:1], IDS[:1], NAMES) == ()
    assert worst_errors(()) == ()
