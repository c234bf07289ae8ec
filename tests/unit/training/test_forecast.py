"""What a training will take, told once, from its first steps."""

import pytest

from convscope.training.pacing.cadence import Every
from convscope.training.pacing.forecast import Forecast


def test_it_is_told_once_and_without_the_first_step() -> None:
    forecast = Forecast(Every(10))
    told = [forecast.after_step(step, 5.0 + step, 100, pause=2.0) for step in range(1, 20)]
    [choice] = [each for each in told if each is not None]
    # 99 steps of a second after the first one, and ten validations of two seconds.
    assert (choice.what, choice.value) == ("expected", "about 2 min")
    assert "100 steps" in choice.reason
    assert "10 validations" in choice.reason
    assert told.index(choice) == 4


@pytest.mark.parametrize("seconds", [0.01, 0.05])
def test_what_is_short_is_not_told(seconds: float) -> None:
    forecast = Forecast(Every(None))
    assert not any(forecast.after_step(step, seconds * step, 100, pause=0.0) for step in range(1, 101))


def test_a_training_that_goes_on_is_judged_by_its_own_steps() -> None:
    forecast = Forecast(Every(None))
    told = [forecast.after_step(step, 1000 + 2.0 * step, 60, pause=0.0) for step in range(50, 60)]
    [choice] = [each for each in told if each is not None]
    assert choice.value == "about 20 s"
