"""How many steps a training takes, and where on its schedule each of them stands.

A number of steps is a plan that never changes. A time budget is a guess, made from a few steps before the
first one, on a machine that may be busier or quieter later: so the plan is drawn anew while training goes on,
from where it stands, and the schedule still comes to its end when the time does.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Timetable:
    """Steps against the position on the schedule.

    Attributes:
        planned: steps of the first plan; the schedule is a function of them.
        total: steps of the plan as it is now.
        since: the step from which that plan holds, and
        begun: the position, 0 to `planned`, that had been reached then.
    """

    planned: int
    total: int
    since: int = 0
    begun: float = 0.0

    @staticmethod
    def of(steps: int) -> "Timetable":
        """A plan that never changes."""
        return Timetable(steps, steps)

    def position(self, step: int) -> float:
        """Where on the schedule of `planned` steps this step (from 0) stands; the step itself at first."""
        if self.since == 0:
            return step if self.total == self.planned else step * self.planned / self.total
        share = (step - self.since) / max(1, self.total - self.since)
        return self.begun + (self.planned - self.begun) * share

    def drawn_anew(self, step: int, total: int) -> "Timetable":
        """The plan from `step` on, with its end at `total`, which is not before it."""
        return Timetable(self.planned, max(step, total), step, self.position(step))

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)
