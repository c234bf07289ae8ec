"""Two sides compared, as what they are: classifiers, or the recipes behind several trainings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.comparison.crossed import cross
from convscope.comparison.estimate import Estimate, of_folds, of_means, of_recipes, of_shares
from convscope.comparison.notes import corrected_labels, left_out, machines, seed_notes, together
from convscope.comparison.pairing import Paired, pair
from convscope.comparison.planning import Plan, Spread, plan
from convscope.comparison.settings import Setting, settings_apart
from convscope.comparison.sides import Side, judged_alike
from convscope.errors import DataError, UsageError
from convscope.wording import command

Question = Literal["classifiers", "recipes"]

MARGIN = 0.01
"""A difference within one point either way is called the same, unless another margin is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The second side against the first.

    Attributes:
        question: whether these classifiers, or the recipes that made them, are compared.
        sides: both.
        figure: what is compared: `accuracy`, or `mean absolute error` in the target's unit.
        values: that figure of each side, over all its seeds or folds.
        difference: of the figure, second minus first.
        log_loss: the difference of the mean cross-entropy in nats; None for regression.
        log_losses: of each side; empty for regression.
        only_one_right: for two classifiers, how many images only the first and only the second gets right.
        paired: the images, under every training of the first side and then of the second; None for folds.
        margin: within which two are called the same; None for regression.
        settings: what differs between the configurations.
        needs: what it takes to see a difference; None where there is nothing to say.
        notes: what a reader should know, a sentence each.
    """

    question: Question
    sides: tuple[Side, Side]
    figure: str
    values: tuple[float, float]
    difference: Estimate
    log_loss: Estimate | None
    log_losses: tuple[float, ...]
    only_one_right: tuple[int, int] | None
    paired: Paired | None
    margin: float | None
    settings: tuple[Setting, ...]
    needs: Plan | None
    notes: tuple[str, ...]

    @property
    def is_regression(self) -> bool:
        """Whether less is better."""
        return self.log_loss is None


def compare_sides(first: Side, second: Side, margin: float = MARGIN) -> Comparison:
    """Compare two sides; a single run with a single run, groups with groups, folds with folds.

    Args:
        first: as `read_side` gives it.
        second: what is asked about: it is better or worse than the first.
        margin: a share of 1, within which two accuracies are called the same.

    Raises:
        UsageError: they are one and the same, or a run is compared with a group.
        DataError: see `pair`; or the folds are others.
        DivergedError: an answer is not finite.
    """
    _refuse_unlike(first, second)
    one, other = judged_alike((first, second))
    found = _compare_alike(one, other, margin)
    return replace(found, notes=(*corrected_labels((first, second), (one, other)), *found.notes))


def _compare_alike(first: Side, second: Side, margin: float) -> Comparison:
    if first.kind == "folds":
        return _compare_folds(first, second, margin)
    judged = [each.judged[0] for side in (first, second) for each in side.members]
    names = [_name(side, number) for side in (first, second) for number in range(len(side.members))]
    paired = pair(judged, names)
    if len(paired) < 2:
        raise DataError(f"{first.name} and {second.name} share one test image: one says nothing")
    if first.kind == "run":
        return _compare_classifiers(first, second, paired, margin)
    return _compare_recipes(first, second, paired, margin)


def _refuse_unlike(first: Side, second: Side) -> None:
    if first.path.resolve() == second.path.resolve():
        raise UsageError(f"{first.name} is compared with itself: name two different runs")
    if first.kind == second.kind:
        for side in (first, second):
            if side.kind == "seeds" and len(side.members) < 2:
                raise UsageError(
                    f"{side.name} has one seed: compare its run, {side.first.run.path}, with a run"
                )
        return
    what = {"run": "a single run", "seeds": "a group of seeds", "folds": "cross-validated"}
    hint = "Compare like with like"
    kinds = {first.kind, second.kind}
    if "folds" in kinds:
        hint = "Train the other with the same --folds and --seed"
    elif kinds == {"run", "seeds"}:
        more = command("convscope", "compare", first.path, second.path, "--until-sure")
        hint = f"Name one run of the group, or train more seeds of both: {more}"
    raise UsageError(f"{first.name} is {what[first.kind]} and {second.name} is {what[second.kind]}. {hint}")


def _compare_classifiers(first: Side, second: Side, paired: Paired, margin: float) -> Comparison:
    one, other = paired.losses
    loss = of_means(*paired.by_groups(paired.losses), n=len(paired))
    if paired.is_regression:
        return _comparison("classifiers", first, second, loss, paired=paired, losses=(one, other))
    right = paired.right
    difference = (
        of_shares(right[0], right[1])
        if paired.groups is None
        else of_means(*paired.by_groups(right), n=len(paired), is_share=True)
    )
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    differing = _differing(paired, 1)
    needs = plan(
        Spread.of_one_pair(differing),
        margin,
        differing=differing,
        images=len(paired),
        seeds=1,
        rests_on="the images on which these two differ" + _counted(paired),
        is_least=True,
    )
    return _comparison(
        "classifiers",
        first,
        second,
        difference,
        paired=paired,
        losses=(one, other),
        log_loss=loss,
        only=only,
        margin=margin,
        needs=needs,
    )


def _compare_recipes(first: Side, second: Side, paired: Paired, margin: float) -> Comparison:
    count = len(first.members)
    one, other = paired.losses[:count], paired.losses[count:]
    notes = seed_notes(first, second)
    if paired.is_regression:
        found = of_recipes(*_units(paired, paired.losses, count), n=len(paired), is_share=False)
        return _comparison("recipes", first, second, found, paired=paired, losses=(one, other), notes=notes)
    right = _units(paired, paired.right, count)
    crossed = cross(*right)
    needs = plan(
        Spread.of(crossed, len(paired)),
        margin,
        differing=_differing(paired, count),
        images=len(paired),
        seeds=min(crossed.seeds),
        rests_on="these seeds and images" + _counted(paired),
    )
    return _comparison(
        "recipes",
        first,
        second,
        of_recipes(*right, n=len(paired)),
        paired=paired,
        losses=(one, other),
        log_loss=of_recipes(*_units(paired, paired.losses, count), n=len(paired), is_share=False),
        margin=margin,
        needs=needs,
        notes=notes,
    )


def _differing(paired: Paired, count: int) -> float:
    """Share of the images that only one of two trainings gets right, by as many pairs as there are.

    Where images belong together it is as large as it would be among as many images that do not.
    """
    right = paired.right
    if paired.groups is None:
        pairs = right[:count, None] != right[None, count:]
        found = float(pairs.mean())
    else:
        first, second = _units(paired, right, count)
        found = float(np.mean([(a - b).var() for a in first for b in second])) * len(paired) / first.shape[1]
    return (found * len(paired) + 1) / (len(paired) + 2)


def _counted(paired: Paired) -> str:
    return "" if paired.groups is None else ", of which those that belong together count as one"


def _units(paired: Paired, values: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of the first side and of the second, one value for each seed and image, or group of images."""
    units = paired.by_groups(values)
    return units[:count], units[count:]


def _comparison(
    question: Question,
    first: Side,
    second: Side,
    difference: Estimate,
    *,
    paired: Paired,
    losses: tuple[NDArray[np.float64], NDArray[np.float64]],
    log_loss: Estimate | None = None,
    only: tuple[int, int] | None = None,
    margin: float | None = None,
    needs: Plan | None = None,
    notes: Sequence[str] = (),
) -> Comparison:
    means = float(losses[0].mean()), float(losses[1].mean())
    count = len(first.members)
    shares = (
        means
        if paired.is_regression
        else (float(paired.right[:count].mean()), float(paired.right[count:].mean()))
    )
    return Comparison(
        question=question,
        sides=(first, second),
        figure="mean absolute error" if paired.is_regression else "accuracy",
        values=shares,
        difference=difference,
        log_loss=log_loss,
        log_losses=() if paired.is_regression else means,
        only_one_right=only,
        paired=paired,
        margin=margin,
        settings=settings_apart((first, second)),
        needs=needs,
        notes=(*left_out(paired, (first, second)), *together(paired), *notes, *machines(first, second)),
    )


def _compare_folds(first: Side, second: Side, margin: float) -> Comparison:
    """Fold by fold; of a group of cross-validated runs each fold's mean over the seeds."""
    folds = first.first.config.data.folds or 0
    if folds != second.first.config.data.folds or len(first.first.judged) != len(second.first.judged):
        raise DataError(
            f"{first.name} and {second.name} were cross-validated with other --folds or --repeats: "
            "train both with the same"
        )
    members = [*first.members, *second.members]
    if any(len(each.judged) != len(members[0].judged) for each in members):
        raise DataError(f"the runs of {first.name} and {second.name} have other numbers of folds")
    names = [_name(side, number) for side in (first, second) for number in range(len(side.members))]
    paired = [pair(each, names) for each in zip(*(member.judged for member in members), strict=True)]
    if any(any(each.left_out) for each in paired):
        raise DataError(
            f"{first.name} and {second.name} hold other images out in their folds: no fold has a partner.\n"
            "Train both on the same data with the same --seed and --folds"
        )
    count, repeats = len(first.members), first.first.config.data.repeats
    n = sum(len(each) for each in paired) // repeats

    def by_fold(values: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
        means = [(float(each[:count].mean()), float(each[count:].mean())) for each in values]
        return np.array(means)

    losses = by_fold([each.losses for each in paired])
    is_regression = paired[0].is_regression
    figures = losses if is_regression else by_fold([each.right for each in paired])
    return Comparison(
        question="recipes",
        sides=(first, second),
        figure="mean absolute error" if is_regression else "accuracy",
        values=(float(figures[:, 0].mean()), float(figures[:, 1].mean())),
        difference=of_folds(figures[:, 1] - figures[:, 0], folds, n, is_share=not is_regression),
        log_loss=None if is_regression else of_folds(losses[:, 1] - losses[:, 0], folds, n),
        log_losses=() if is_regression else (float(losses[:, 0].mean()), float(losses[:, 1].mean())),
        only_one_right=None,
        paired=None,
        margin=None if is_regression else margin,
        settings=settings_apart((first, second)),
        needs=None,
        notes=tuple(machines(first, second)),
    )


def _name(side: Side, number: int) -> str:
    """Of a training, for messages."""
    return side.name if len(side.members) == 1 else f"{side.name}/{side.members[number].run.name}"
