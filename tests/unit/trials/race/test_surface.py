import numpy as np
import pytest

from convscope.trials.race.surface import Surface

GROUND = Surface()


def test_the_slope_is_the_change_of_the_cost() -> None:
    places = np.random.default_rng(0).uniform(-4, 4, (50, 2))
    small = 1e-6
    for axis, shift in enumerate(np.eye(2) * small):
        change = (GROUND.cost(places + shift) - GROUND.cost(places - shift)) / (2 * small)
        np.testing.assert_allclose(GROUND.gradient(places)[:, axis], change, rtol=1e-6, atol=1e-6)


def test_it_has_a_saddle_between_two_minima_of_no_cost() -> None:
    assert GROUND.cost(GROUND.minima).tolist() == [0, 0]
    assert not GROUND.gradient(GROUND.minima).any()
    assert not GROUND.gradient(GROUND.saddle).any()
    assert GROUND.cost(GROUND.saddle) == GROUND.height
    around = [np.array(step) for step in ([0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1])]
    rises = [float(GROUND.cost(GROUND.saddle + step)) > GROUND.height for step in around]
    assert rises == [False, False, True, True]


@pytest.mark.parametrize(
    ("cost", "lines"), [(0.5, 2), (1.999, 2), (2.001, 1), (11.0, 1), (0.0, 0), (-1.0, 0)]
)
def test_a_contour_lies_at_its_cost_and_closes(cost: float, lines: int) -> None:
    found = GROUND.contour(cost)
    assert len(found) == lines
    for line in found:
        np.testing.assert_allclose(GROUND.cost(line), cost, atol=1e-9)
        np.testing.assert_allclose(line[0], line[-1], atol=1e-6)


def test_the_distance_is_that_to_the_nearer_minimum() -> None:
    assert GROUND.distance(np.array([3.0, 1.9])) == pytest.approx(1.0)
    assert GROUND.distance(np.array([-4.0, 0.9])) == pytest.approx(1.0)
    assert GROUND.beyond(np.array([-4.0, 0.9])) == pytest.approx(1.0)
