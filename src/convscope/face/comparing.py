"""Whether one run is better than another, or lucky: a comparison as a value."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from convscope.comparison import verdicts
from convscope.comparison.comparing import Comparison
from convscope.comparison.several import Compared, compare_all
from convscope.errors import UsageError
from convscope.notebook import aligned, box, labelled, title
from convscope.wording import percent, rounded


@dataclass(frozen=True, repr=False)
class ComparedRuns:
    """Every two of some runs, compared; shows itself in a notebook.

    Attributes:
        each: the comparisons, in the runs' order, with p-values corrected for their number.
    """

    each: tuple[Compared, ...]

    @property
    def verdict(self) -> verdicts.Word:
        """Of two runs, on the second: `better`, `worse`, `same` or `too close to tell`.

        Raises:
            UsageError: more than two were compared.
        """
        return verdicts.word(self.only.comparison, self.only.adjusted)

    @property
    def only(self) -> Compared:
        """The one comparison of two runs.

        Raises:
            UsageError: more than two were compared.
        """
        if len(self.each) != 1:
            raise UsageError(f"these are {len(self.each):,} comparisons: look at .each")
        return self.each[0]

    def to_dict(self) -> list[dict[str, Any]]:
        """For JSON: a document for each comparison."""
        return [verdicts.to_dict(each.comparison, each.adjusted) for each in self.each]

    def __repr__(self) -> str:
        said = [verdicts.word(each.comparison, each.adjusted) for each in self.each]
        return f"ComparedRuns({', '.join(said)})"

    def __str__(self) -> str:
        return "\n\n".join(aligned(_lines(each)) for each in self.each)

    def _repr_html_(self) -> str:
        return box(*(title(_names(each.comparison)) + labelled(_lines(each)) for each in self.each))


def compare(*runs: str | PathLike[str], split: str = "test", within: float = 1.0) -> ComparedRuns:
    """Compare runs on the same images: paired tests, and a verdict on each two of them.

    Args:
        runs: two or more runs, groups of seeds, or cross-validated runs.
        split: `test` or `validation`.
        within: accuracies that are surely no further apart than so many points are called the same.

    Raises:
        UsageError: fewer than two runs, or such as cannot be compared.
        DataError: they were judged on other images.

    >>> import convscope as cs
    >>> compared = cs.compare("runs/photos", "runs/other")
    >>> compared.verdict  # of 4 test images
    'too close to tell'
    """
    if len(runs) < 2:
        raise UsageError("a comparison needs two runs or more")
    return ComparedRuns(tuple(compare_all([Path(run) for run in runs], split=split, margin=within / 100)))


def _names(comparison: Comparison) -> str:
    first, second = comparison.sides
    return f"{first.name} and {second.name}"


def _lines(compared: Compared) -> list[tuple[str, ...]]:
    """Figures, difference, test, and the conclusion."""
    found, difference = compared.comparison, compared.comparison.difference
    values = [rounded(value) if found.is_regression else percent(value, 1) for value in found.values]
    figures = " · ".join(f"{side.name} {value}" for side, value in zip(found.sides, values, strict=True))
    changed = verdicts.amount(found, difference.value, signed=True)
    interval = f"95 % interval {verdicts.ends(found, difference.interval)}"
    lines: list[tuple[str, ...]] = [
        (found.figure, figures, f"{changed}, {interval}"),
        ("test", verdicts.p_words(difference.p_value), f"n = {difference.n:,}"),
        ("verdict", verdicts.sentence(found, compared.adjusted)),
    ]
    more = (verdicts.needs(found), verdicts.about_recipes(found))
    return [*lines, *(("", each) for each in more if each), *(("note", note) for note in found.notes)]
