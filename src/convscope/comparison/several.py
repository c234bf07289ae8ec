"""Two sides or more: each with each of those before it, corrected for how many comparisons that makes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.comparison.comparing import MARGIN, Comparison, compare_sides
from convscope.comparison.estimate import holm
from convscope.comparison.sides import read_side


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One comparison of several.

    Attributes:
        comparison: of two of the sides.
        adjusted: its p-value by Holm's method; None where it is the only one.
    """

    comparison: Comparison
    adjusted: float | None


def compare_all(paths: Sequence[Path], *, split: str = "test", margin: float = MARGIN) -> list[Compared]:
    """Compare every two of the sides at `paths`, in their order.

    Raises:
        RunError, DataError, UsageError, DivergedError: see `read_side` and `compare_sides`.
    """
    sides = [read_side(path, split) for path in paths]
    found = [compare_sides(one, other, margin) for one, other in itertools.combinations(sides, 2)]
    if len(found) == 1:
        return [Compared(comparison=found[0], adjusted=None)]
    # A comparison without a p-value counts as one that found nothing.
    values = [each.difference.p_value for each in found]
    adjusted = holm([1.0 if value != value else value for value in values])
    return [
        Compared(comparison=each, adjusted=p_value) for each, p_value in zip(found, adjusted, strict=True)
    ]
