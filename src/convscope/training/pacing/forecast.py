"""How long a training will take, from its first steps: told once, where that is worth knowing."""

from dataclasses import dataclass, field

from convscope.training.pacing.cadence import Every
from convscope.training.progress import Choice
from convscope.wording import about, some

LOOKED_AT = 2.0
"""Seconds of steps that it is judged by, and"""
FEWEST = 4
"""so many of them; the first one, which takes longer, has no say."""
LONG = 10.0
"""Seconds from which on it is told."""


@dataclass
class Forecast:
    """Watches the first steps of one training, or of a part of it that goes on.

    Attributes:
        validations: how often a pause is made to measure and save.
    """

    validations: Every
    _first: tuple[int, float] | None = field(default=None, init=False)
    _is_told: bool = field(default=False, init=False)

    def after_step(self, step: int, seconds: float, total: int, pause: float) -> Choice | None:
        """What to tell after this step, if that is now.

        Args:
            step: updates done, of
            total: this many.
            seconds: of steps, without pauses.
            pause: seconds that a validation and a checkpoint take.
        """
        if self._first is None:
            self._first = (step, seconds)
        first, begun = self._first
        if self._is_told or step - first < FEWEST or seconds - begun < LOOKED_AT:
            return None
        self._is_told = True
        pauses = sum(self.validations.is_due(each, at_end=each == total) for each in range(first, total + 1))
        expected = (seconds - begun) / (step - first) * (total - first) + pauses * pause
        if expected < LONG:
            return None
        why = f"{some(total - first + 1, 'step')} as fast as the first ones, {some(pauses, 'validation')}"
        return Choice("expected", about(expected), why)
