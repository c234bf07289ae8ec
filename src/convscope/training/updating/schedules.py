"""How the learning rate moves: a pure function of the step."""

import math

from convscope.config.asked import ScheduleName

ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-3


def learning_rate_factor(schedule: ScheduleName, step: float, total_steps: int, warmup: float) -> float:
    """The learning rate of step `step` (from 0) as a part of its peak.

    Args:
        schedule: `constant`; `linear` falls to 0; `cosine` rises linearly for the `warmup` share, then falls
            to 0; `one-cycle` rises along a cosine for that share and falls along another (Smith 2018).
        step: 0 to `total_steps` - 1; between two steps where a plan was drawn anew (`timetable.py`).
        total_steps: of the whole training.
        warmup: share of the steps.
    """
    position = step / max(1, total_steps)
    match schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1.0 - position
        case "cosine":
            if position < warmup:
                return (step + 1) / (warmup * total_steps + 1)
            return _cosine((position - warmup) / (1 - warmup), 1.0, 0.0)
        case "one-cycle":
            if position < warmup:
                return _cosine(position / warmup, ONE_CYCLE_START, 1.0)
            return _cosine((position - warmup) / (1 - warmup), 1.0, ONE_CYCLE_END)


def _cosine(position: float, start: float, end: float) -> float:
    """From `start` to `end` as `position` goes from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * position)) / 2
