"""Whether an experiment is above another, as its source claims: seed against seed, on the same images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convscope.config.reference import Ordering, Reference
from convscope.errors import DataError
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.runs.folder import Run
from convscope.trials.cards.card import Result
from convscope.trials.cards.figures import Measured, Pooled, difference
from convscope.trials.cards.verdicts import Verdict, judge_ordering
from convscope.trials.reproducing.experiments import find_experiment
from convscope.trials.reproducing.trainings import Trainings, Wish


def compare_all(reference: Reference, runs: Sequence[Run], wish: Wish) -> dict[str, Result]:
    """Each ordering that the source claims, by name; without those whose other runs are not there yet.

    Whole trainings of the other experiment are not made for it; those that are stopped early are.
    """
    found = {}
    for ordering in reference.orderings:
        seeds = [_compared(run, other) for run, other in _pairs(ordering, runs, wish)]
        if seeds:
            pooled = Pooled("difference", tuple(seeds))
            verdict = (
                judge_ordering(pooled)
                if wish.scale == 1
                else Verdict(word="not comparable", why="a try, no reproduction")
            )
            found[ordering.name] = Result(measured=pooled, reported={}, verdict=verdict)
    return found


def _pairs(ordering: Ordering, runs: Sequence[Run], wish: Wish) -> list[tuple[Run, Run]]:
    others = Trainings.of(find_experiment(ordering.above), replace(wish, prefix=""))
    pairs = []
    for seed, run in enumerate(runs):
        at = ordering.at_step
        other = others.found(seed) if at is None else others.stops(seed)(at)
        if other is not None and has_predictions(other, "test") and has_predictions(run, "test"):
            pairs.append((run, other))
    return pairs


def _compared(run: Run, other: Run) -> Measured:
    one, two = read_predictions(run, "test"), read_predictions(other, "test")
    if one.ids != two.ids:
        raise DataError(f"{run.path} and {other.path} were tested on other images; they cannot be compared")
    return difference(_right(one), _right(two), paired=True)


def _right(answers: Predictions) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = answers.predicted == answers.labels
    return right
