"""Looking after every pair of seeds, and stopping as soon as it is sure, without fooling oneself.

Whoever looks again and again at 5 % finds a difference sooner or later. Here each look has a level of its
own, which grows with the root of the number of seeds, and all of them together have 5 %: a group sequential
design (C. Jennison and B. W. Turnbull, *Group sequential methods with applications to clinical trials*,
2000; the shape of the levels after S. K. Wang and A. A. Tsiatis, Biometrics 43, 1987). They are calibrated
for Welch's test over seeds, where the looks depend on each other least; the luck of the images is the same
at every look, and adds caution.
"""

import math
from dataclasses import dataclass, field

from convscope.comparison.crossed import Crossed
from convscope.comparison.estimate import LEVEL, TWO_ONE_SIDED
from convscope.errors import UsageError

FIRST_LOOK = 3
"""Seeds of each: two say too little of their spread for the small levels that looks have."""

LAST_LEVELS = {4: 0.042, 6: 0.0275, 8: 0.0221, 10: 0.0187, 15: 0.0148, 20: 0.0125, 30: 0.0109}
"""Level of the last look by the number of seeds (benchmarks/comparison/sequences.py --calibrate)."""

FEWEST_SEEDS, MOST_SEEDS = min(LAST_LEVELS), max(LAST_LEVELS)


def level(seeds: int, at_most: int) -> float:
    """The level of the look after so many seeds of each, of `at_most` that may be trained.

    Between two numbers that were calibrated it is the smaller one's successor's: a little too cautious.
    """
    last = LAST_LEVELS[next(each for each in LAST_LEVELS if each >= at_most)]
    return last * math.sqrt(seeds / at_most)


@dataclass
class Watch:
    """What was seen so far.

    Attributes:
        at_most: seeds of each, said before the first look.
        p_value: the least of all looks, each by its level, so that it may be read after any of them; None
            before the first.
        word: the verdict on the second recipe.
    """

    at_most: int
    p_value: float | None = field(default=None, init=False)
    word: str = field(default="too close to tell", init=False)
    _seeds: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not FEWEST_SEEDS <= self.at_most <= MOST_SEEDS:
            raise UsageError(
                f"--at-most: {self.at_most:,} seeds cannot be watched; "
                f"it takes {FEWEST_SEEDS} to {MOST_SEEDS}"
            )

    @property
    def is_over(self) -> bool:
        """Whether there is a verdict, or no seed is left."""
        return self.word != "too close to tell" or self._seeds >= self.at_most

    def see(self, crossed: Crossed, margin: float) -> None:
        """Look once more, at the seeds so far of both recipes."""
        self._seeds = min(crossed.seeds)
        share = level(self._seeds, self.at_most) / LEVEL
        here = _p_value(crossed, share)
        self.p_value = here if self.p_value is None else min(here, self.p_value)
        # Two one-sided tests, each at this look's share of 5 %.
        half = float(crossed.cautious_half(1 - (1 - TWO_ONE_SIDED) * share))
        if here < LEVEL:
            self.word = "better" if float(crossed.value) > 0 else "worse"
        elif abs(float(crossed.value)) + half < margin:
            self.word = "same"


def _p_value(crossed: Crossed, share: float) -> float:
    """The least overall level at which this look, with its share of it, finds a difference."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        is_found = abs(float(crossed.value)) > float(crossed.cautious_half(1 - middle * share))
        low, high = (low, middle) if is_found else (middle, high)
    return high
