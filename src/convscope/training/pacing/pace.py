"""How many steps a time budget holds: a guess from a few of them, which the budget mends as it is spent."""

import copy
import time

from convscope.training.loop import Loop
from convscope.training.pacing.budget import Budget
from convscope.training.pacing.timetable import Timetable

WARM_UP = 2
MEASURED = 3


def first_timetable(loop: Loop, budget: Budget, *, fewest: int) -> Timetable:
    """Steps that the budget holds, validations between them included: `fewest` at the least, and no more than
    its most.

    They are taken by a copy of the training state, so that nothing of the training is used up.
    """
    state = copy.deepcopy(loop.state)
    batches = loop.epoch(0)
    times = []
    for number in range(WARM_UP + MEASURED):
        begun = time.perf_counter()
        loop.step.take(state, batches[number % len(batches)], learning_rate=0.0)
        times.append(time.perf_counter() - begun)
        if budget.is_spent():
            break
    per_step = min(times)
    begun = time.perf_counter()
    loop.measure_splits()
    per_validation = time.perf_counter() - begun
    left = budget.deadline - time.perf_counter() - per_validation
    steps = max(fewest, int(left / (per_step + per_validation / loop.steps_per_epoch)))
    return Timetable.of(steps if budget.most is None else min(steps, budget.most))
