"""A time budget: how many steps it holds, on this machine, with this network, as time goes by."""

import time
from dataclasses import dataclass, field

from convscope.training.pacing.timetable import Timetable

LOOKS = 25
"""How often the timetable is looked at while a budget is spent."""

TOLERANCE = 0.02
"""A timetable stays as it is while it is off by no more than this share of the steps that are left."""


@dataclass
class Budget:
    """The time that the steps of one fit have, the last validation and checkpoint included.

    Attributes:
        deadline: on `time.perf_counter`.
        most: steps, however much time there is; None for as many as it holds.
    """

    deadline: float
    most: int | None = None
    _marks: list[tuple[float, int]] = field(default_factory=list)

    def is_spent(self) -> bool:
        """Whether no time is left."""
        return time.perf_counter() >= self.deadline

    def adjust(self, timetable: Timetable, step: int, ending: float) -> Timetable:
        """The timetable, drawn anew where the steps so far went faster or slower than it says.

        Args:
            timetable: as it is.
            step: updates done.
            ending: seconds that the validation and the checkpoint at the end will take.
        """
        now = time.perf_counter()
        if not self._marks:
            self._marks.append((now, step))
            return timetable
        (start, first), (last_look, last_step) = self._marks[0], self._marks[-1]
        if now - last_look < (self.deadline - start) / LOOKS:
            return timetable
        self._marks.append((now, step))
        overall, lately = (now - start) / (step - first), (now - last_look) / (step - last_step)
        left = max(0, int((self.deadline - now - ending) / ((overall + lately) / 2)))
        if self.most is not None:
            left = min(left, max(0, self.most - step))
        if abs(step + left - timetable.total) <= TOLERANCE * left:
            return timetable
        return timetable.drawn_anew(step, step + left)
