"""Whether an experiment is above another, as its source claims: seed against seed, on the same images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convscope.config.reference import Ordering, Reference
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.runs.folder import Run
from convscope.trials.cards.card import Result
from convscope.trials.cards.figures import Pooled, difference
from convscope.trials.cards.verdicts import Verdict, judge_ordering
from convscope.trials.reproducing.experiments import find_experiment
from convscope.trials.reproducing.trainings import Trainings, Wish


def compare_all(
    reference: Reference, runs: Sequence[Run], wish: Wish, incomparable: str | None
) -> dict[str, Result]:
    """Each ordering that the source claims, by name; without those whose other runs are not there yet.

    Whole trainings of the other experiment are not made for it; those that are stopped early are.
    """
    found = {}
    for ordering in reference.orderings:
        pairs = _pairs(ordering, runs, wish)
        seeds = [difference(_right(one), _right(two), paired=True) for one, two in pairs]
        if seeds:
            pooled = Pooled("difference", tuple(seeds))
            verdict = (
                judge_ordering(pooled)
                if incomparable is None
                else Verdict(word="not comparable", why=incomparable)
            )
            found[ordering.name] = Result(measured=pooled, reported={}, verdict=verdict)
    return found


def _pairs(ordering: Ordering, runs: Sequence[Run], wish: Wish) -> list[tuple[Predictions, Predictions]]:
    """The answers of each seed and of the other experiment's, where both were tested on the same images."""
    others = Trainings.of(find_experiment(ordering.above), replace(wish, prefix=""))
    pairs = []
    for seed, run in enumerate(runs):
        at = ordering.at_step
        other = others.found(seed) if at is None else others.stops(seed)(at)
        if other is not None and has_predictions(other, "test") and has_predictions(run, "test"):
            one, two = read_predictions(run, "test"), read_predictions(other, "test")
            pairs += [(one, two)] if one.hashes == two.hashes else []
    return pairs


def _right(answers: Predictions) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = answers.predicted == answers.labels
    return right
