"""More seeds of two recipes, one pair after the other, until it is sure or no more are allowed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from convscope.comparison.comparing import MARGIN, Comparison, compare_sides
from convscope.comparison.crossed import cross
from convscope.comparison.sequential import FIRST_LOOK, Watch
from convscope.comparison.sides import Side, read_side
from convscope.errors import UsageError
from convscope.runs.folder import Run
from convscope.runs.listing import seed_runs
from convscope.training.progress import Progress
from convscope.trials.seeds import Group, group_around, more_seeds


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known after so many seeds of each.

    Attributes:
        seeds: of each.
        comparison: of the two groups, cut to these seeds; its p-value and interval are those of one look.
        p_value: valid though one looks after every pair; None before the first look.
        word: `better`, `worse`, `same` or `too close to tell`, by that p-value.
        is_last: whether it is over: sure, or no more seeds are to be had.
    """

    seeds: int
    comparison: Comparison
    p_value: float | None
    word: str
    is_last: bool


def until_sure(
    first: Path,
    second: Path,
    *,
    at_most: int,
    progress: Callable[[], Progress],
    split: str = "test",
    margin: float = MARGIN,
) -> Iterator[Look]:
    """Look after every pair of seeds; train the next pair where it is not sure yet.

    Runs that are there already are looked at one pair after the other, in the order of their seeds, as if
    they had just been trained: seeds that lie ready do not change the level.

    Args:
        first, second: groups of seeds, or single runs, of which groups are made beside them.
        at_most: seeds of each, 4 to 30: said beforehand, for the level depends on it.
        progress: who listens to each training.
        split: whose images judge.
        margin: within which two accuracies are called the same.

    Raises:
        UsageError: `at_most` is out of range, or a side cannot have more seeds.
        ConvscopeError: as training and `compare_sides` raise them.
    """
    watch = Watch(at_most)
    _refuse_others(first, second)
    groups = [path if seed_runs(path) else group_around(path) for path in (first, second)]
    more = [more_seeds(path, progress) for path in groups]
    for count in range(2, at_most + 1):
        sides = []
        for path, seeds in zip(groups, more, strict=True):
            while len(Group(path).runs) < count:
                next(seeds)
            sides.append(_cut(read_side(path, split), count))
        comparison = compare_sides(sides[0], sides[1], margin)
        yield _look(watch, comparison, count)
        if watch.is_over:
            return


def _refuse_others(*paths: Path) -> None:
    """What has no accuracy seed by seed, before anything is trained for it."""
    for path in paths:
        config = Run.open((seed_runs(path) or [path])[0]).config
        if config.data.folds is not None or config.data.task == "regression":
            raise UsageError("--until-sure compares the accuracy of seeds; it takes no folds, and no numbers")


def _look(watch: Watch, comparison: Comparison, count: int) -> Look:
    paired = comparison.paired
    if paired is None or count < FIRST_LOOK:
        return Look(seeds=count, comparison=comparison, p_value=None, word="too close to tell", is_last=False)
    units = paired.by_groups(paired.right)  # series count as one, as in the comparison itself
    watch.see(cross(units[:count], units[count:]), comparison.margin or MARGIN)
    return Look(
        seeds=count,
        comparison=comparison,
        p_value=watch.p_value,
        word=watch.word,
        is_last=watch.is_over,
    )


def _cut(side: Side, count: int) -> Side:
    """The first seeds of a group."""
    return Side(path=side.path, kind=side.kind, members=side.members[:count])
