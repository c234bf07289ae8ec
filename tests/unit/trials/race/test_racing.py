import json

import numpy as np
import pytest

from convscope.trials.race.judging import judge
from convscope.trials.race.racing import ARRIVED, RACERS, Race, Racer, race


@pytest.fixture(scope="module")
def raced() -> Race:
    return race()


def test_all_start_at_one_place_and_make_120_steps(raced: Race) -> None:
    assert raced.steps == 120
    assert [path.racer.rule for path in raced.paths] == ["sgd", "momentum", "adam", "adamw"]
    for path in raced.paths:
        assert path.weights.shape == (121, 2)
        assert tuple(path.weights[0]) == raced.start
        np.testing.assert_array_equal(path.costs, raced.surface.cost(path.weights))


def test_who_has_arrived_stays_close_and_was_not_close_before(raced: Race) -> None:
    path = raced.path("momentum")
    limit = ARRIVED * path.distances[0]
    assert path.arrived is not None
    assert (path.distances[path.arrived :] <= limit).all()
    assert path.distances[path.arrived - 1] > limit
    assert path.distances[: path.arrived].min() < limit  # it ran through the minimum, and came back


def test_the_sources_claims_as_raced(raced: Race) -> None:
    descent, momentum, adam = judge(raced)
    assert [each.holds for each in (descent, momentum, adam)] == [True, True, True]
    assert descent.figures["distance"] == pytest.approx(1.429, abs=1e-3)
    assert momentum.figures["overshoot"] == pytest.approx(0.1296, abs=1e-4)
    assert momentum.figures["overshoot_of_adam"] == pytest.approx(0.0263, abs=1e-4)
    assert (adam.figures["arrived"], adam.figures["arrived_of_momentum"]) == (57, 69)


def test_what_the_source_did_not_say_gradient_descent_is_first_at_its_best_rate(raced: Race) -> None:
    best = {each.rule: each for each in raced.best}
    assert best["sgd"].arrived == min(each.arrived for each in raced.best)
    assert best["sgd"].share == min(each.share for each in raced.best)
    assert "the rate's doing" in judge(raced)[0].because


def test_a_claim_can_fail() -> None:
    fast = race(racers=(Racer(rule="sgd", rate=0.1), *RACERS[1:]))
    assert not judge(fast)[0].holds
    tame = race(racers=(RACERS[0], Racer(rule="momentum", rate=0.003), RACERS[2]))
    assert not judge(tame)[1].holds
    hasty = race(racers=(*RACERS[:2], Racer(rule="adam", rate=0.5)))
    assert not judge(hasty)[2].holds


@pytest.mark.parametrize("steps", [0, 1, 5000])
def test_any_number_of_steps(steps: int) -> None:
    run = race(racers=RACERS[2:3], steps=steps)
    assert run.steps == steps
    assert (run.paths[0].arrived is not None) == (steps > 100)


def test_a_rate_that_is_too_large_diverges_without_arriving() -> None:
    run = race(racers=(Racer(rule="sgd", rate=50.0),))
    figures = run.to_dict()["racers"][0]
    assert figures["arrived"] is None
    assert figures["cost"] is None
    json.dumps(run.to_dict(), allow_nan=False)


def test_a_race_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a racer"):
        race(racers=())
    with pytest.raises(ValueError, match="not at a minimum"):
        race(start=(3.0, 0.9))


def test_the_left_side_is_the_mirror_of_the_right() -> None:
    right, left = race(start=(0.2, 1.5)), race(start=(-0.2, 1.5))
    for one, other in zip(right.paths, left.paths, strict=True):
        np.testing.assert_allclose(one.weights * [-1, 1], other.weights, atol=1e-12)
        assert one.arrived == other.arrived


def test_its_figures_are_json(raced: Race) -> None:
    figures = json.loads(json.dumps(raced.to_dict(), allow_nan=False))
    assert figures["minimum"] == pytest.approx([3.0, 0.9])
    assert [each["rule"] for each in figures["racers"]] == [racer.rule for racer in RACERS]
    json.dumps([claim.to_dict() for claim in judge(raced)], allow_nan=False)
