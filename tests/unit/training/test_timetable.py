"""Where each step stands on its schedule, when the number of steps changes on the way."""

import itertools
import json

import pytest

from convscope.training.pacing.timetable import Timetable


def test_a_plan_that_never_changes_is_the_steps_themselves() -> None:
    assert [Timetable.of(7).position(step) for step in range(7)] == list(range(7))


@pytest.mark.parametrize("totals", [[50], [400], [70, 40], [40, 300, 90], [11]])
def test_a_plan_drawn_anew_goes_on_from_where_it_stands_and_ends_where_the_schedule_ends(totals) -> None:
    timetable, positions, step = Timetable.of(100), [], 0
    for number, total in enumerate([*totals, None]):
        until = timetable.total if total is None else 10 * (number + 1)
        positions += [timetable.position(at) for at in range(step, until)]
        step = until
        if total is not None:
            timetable = timetable.drawn_anew(step, total)
    assert timetable.position(timetable.total) == pytest.approx(100)
    steps = [after - before for before, after in itertools.pairwise(positions)]
    assert min(steps) > 0
    assert positions[9] == 9
    assert positions[10] == pytest.approx(10)


def test_a_plan_that_ends_at_once_has_ended() -> None:
    timetable = Timetable.of(100).drawn_anew(30, 20)
    assert timetable.total == 30


def test_a_checkpoint_holds_it() -> None:
    timetable = Timetable.of(100).drawn_anew(10, 37).drawn_anew(20, 31)
    again = Timetable(**json.loads(json.dumps(timetable.to_dict())))
    assert [again.position(step) for step in range(20, 31)] == [
        timetable.position(step) for step in range(20, 31)
    ]
