"""The conclusion in one sentence, with what it rests on; and what it would take where there is none."""

import math
from typing import Any, Literal

from convscope.comparison.comparing import Comparison
from convscope.comparison.estimate import LEVEL, Estimate
from convscope.comparison.planning import Plan
from convscope.evaluation.proportion import finite_or_none
from convscope.wording import apart, between, rounded, some

Word = Literal["better", "worse", "same", "too close to tell"]
"""Of the second side beside the first."""

FAILED = 0.001
"""Two trainings that differ by their seed alone differ by luck; below this p one of them may have failed."""


def word(comparison: Comparison, adjusted: float | None = None) -> Word:
    """The verdict on the second side.

    Args:
        comparison: of two sides.
        adjusted: the p-value corrected for other comparisons made at the same time.
    """
    found = comparison.difference
    if _is_luck(comparison):
        return "too close to tell"
    if found.is_sure and (adjusted is None or adjusted < LEVEL):
        return "better" if (found.value > 0) != comparison.is_regression else "worse"
    if comparison.margin is not None and found.is_within(comparison.margin):
        return "same"
    return "too close to tell"


def sentence(comparison: Comparison, adjusted: float | None = None) -> str:
    """`b is better by 1.6 points (95 % interval 0.4 to 2.8).`"""
    found, verdict = comparison.difference, word(comparison, adjusted)
    first, second = _names(comparison)
    if _is_luck(comparison):
        return (
            f"{first} and {second} are one recipe with two seeds: what separates them is the luck of "
            f"training, {amount(comparison, found.value, signed=True)} "
            f"(95 % interval {ends(comparison, found.interval)})."
        )
    match verdict:
        case "better" | "worse":
            better, worse = (second, first) if verdict == "better" else (first, second)
            less = ", less than " + points(comparison.margin or 0) if _is_small(comparison) else ""
            return (
                f"{better} is better than {worse} by {amount(comparison, abs(found.value))} "
                f"(95 % interval {ends(comparison, _turned(found))}){less}."
            )
        case "same":
            margin = points(comparison.margin or 0)
            return (
                f"{first} and {second} are the same within ± {margin}: the difference, second minus "
                f"first, is {amount(comparison, found.value, signed=True)} (90 % interval "
                f"{_points_between(*found.narrow)})."
            )
        case _:
            others = ", among so many comparisons" if found.is_sure else ""
            return (
                f"Too close to tell whether {first} or {second} is better{others}{_loss_tells(comparison)}."
            )


def needs(comparison: Comparison) -> str:
    """What it would take to see a difference, in a sentence; nothing where the verdict needs no more."""
    plan = comparison.needs
    if plan is None or word(comparison) != "too close to tell" or _is_luck(comparison):
        return ""
    return say_plan(plan, comparison.question == "recipes")


def say_plan(plan: Plan, is_about_recipes: bool) -> str:
    """`To see a difference of 1 point you need about 14 seeds each, or 21,000 test images.`"""
    difference = points(plan.difference)
    if not is_about_recipes:
        return (
            f"To see a difference of {difference} between two classifiers you need about "
            f"{_round(plan.images_between_two)} test images."
        )
    seeds = plan.seeds if plan.seeds > 1 else 5
    images = None if plan.images_needed is None else f"{_round(plan.images_needed)} test images"
    start = f"To see a difference of {difference} between the recipes you need"
    if plan.seeds_needed is None:
        if plan.images is None or images is None:
            return f"{start} more than this design can give."
        return f"{start} about {images} with {seeds} seeds each: on these, no number of seeds is enough."
    least = "at least" if plan.is_least else "about"
    more = "" if images is None else f", or {images} with {seeds} seeds each"
    return f"{start} {least} {plan.seeds_needed} seeds each{more}."


def about_recipes(comparison: Comparison) -> str:
    """For two single trainings, that nothing is known of their recipes, and what it would take."""
    plan = comparison.needs
    if comparison.question == "recipes" or _is_one_recipe(comparison):
        return ""
    unknown = "Whether its settings would be better again, one training of each cannot say: "
    if plan is None or plan.seeds_needed is None:
        return f"{unknown}train with --seeds 5."
    if comparison.difference.is_sure:
        return f"{unknown}train with --seeds {min(5, max(3, plan.seeds_needed))} or more."
    return f"{unknown}to see {points(plan.difference)} takes at least {plan.seeds_needed} seeds of each."


def to_dict(comparison: Comparison, adjusted: float | None = None) -> dict[str, Any]:
    """What `--json` holds of one comparison."""
    first, second = comparison.sides
    loss = comparison.log_loss
    return {
        "question": comparison.question,
        "first": str(first.path),
        "second": str(second.path),
        "figure": comparison.figure,
        "values": [finite_or_none(value) for value in comparison.values],
        "seeds": [len(side.members) for side in comparison.sides],
        "difference": comparison.difference.to_dict(),
        "log_loss": None if loss is None else {**loss.to_dict(), "values": list(comparison.log_losses)},
        "p_value": finite_or_none(comparison.difference.p_value),
        **({} if adjusted is None else {"p_value_holm": adjusted}),
        "only_one_right": None if comparison.only_one_right is None else list(comparison.only_one_right),
        "margin": comparison.margin,
        "verdict": word(comparison, adjusted),
        "sentence": sentence(comparison, adjusted),
        "needs": None if comparison.needs is None else comparison.needs.to_dict(),
        "settings": [each.to_dict() for each in comparison.settings],
        "seconds": [side.seconds for side in comparison.sides],
        "parameters": [side.first.parameters for side in comparison.sides],
        "notes": list(comparison.notes),
    }


def gap(comparison: Comparison) -> str:
    """`+0.4 points (−0.9 to +1.7)`: the difference with its interval, in few words."""
    found = comparison.difference
    return f"{amount(comparison, found.value, signed=True)} ({ends(comparison, found.interval)})"


def sentence_of_look(comparison: Comparison, said: str, seeds: int, at_most: int) -> str:
    """The verdict of a comparison that was watched seed by seed."""
    first, second = _names(comparison)
    after = f"after {seeds_words(seeds)} of each"
    size = amount(comparison, abs(comparison.difference.value))
    match said:
        case "better" | "worse":
            better, worse = (second, first) if said == "better" else (first, second)
            return f"{better} is better than {worse}, by about {size}: sure {after}, of {at_most} at most."
        case "same":
            margin = points(comparison.margin or 0)
            return f"{first} and {second} are the same within ± {margin}: sure {after}, of {at_most} at most."
        case _:
            return f"Too close to tell whether {first} or {second} is better, {after}."


def points(share: float) -> str:
    """A share as `1 point`, `0.5 points`."""
    value = rounded(100 * share)
    return f"{value} {'point' if value == '1' else 'points'}"


def amount(comparison: Comparison, value: float, *, signed: bool = False) -> str:
    """A difference in its unit: `1.6 points`, or `+0.12` for an error."""
    sign = "+" if signed and value > 0 else ""
    if comparison.is_regression:
        return sign + rounded(value)
    return f"{sign}{_tenths(100 * value)} points".replace("-", "−")


def ends(comparison: Comparison, interval: tuple[float, float]) -> str:
    """`0.4 to 2.8`, in points; dashes where there is none."""
    if comparison.is_regression or math.isnan(interval[0]):
        return between(*interval)
    return _points_between(*interval)


def p_words(p_value: float) -> str:
    """`p = 0.031`, `p < 0.001`; that there is none, where seeds or folds are all alike."""
    if math.isnan(p_value):
        return "no p: they differ by the same everywhere"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}" if p_value < 0.995 else "p = 1"


def _names(comparison: Comparison) -> tuple[str, str]:
    sides = comparison.sides
    names = [side.name for side in sides]
    if names[0] == names[1]:
        names = [str(side.path) for side in sides]
    if comparison.question == "recipes":
        return f"{names[0]}'s recipe", f"{names[1]}'s recipe"
    return names[0], names[1]


def _is_one_recipe(comparison: Comparison) -> bool:
    """Whether two trainings differ by their seed alone."""
    return comparison.question == "classifiers" and [each.field for each in comparison.settings] == ["seed"]


def _is_luck(comparison: Comparison) -> bool:
    return _is_one_recipe(comparison) and not comparison.difference.p_value < FAILED


def _is_small(comparison: Comparison) -> bool:
    return comparison.margin is not None and comparison.difference.is_within(comparison.margin)


def _turned(found: Estimate) -> tuple[float, float]:
    """The interval of the amount by which the better one is better."""
    low, high = found.interval
    return (low, high) if found.value > 0 else (-high, -low)


def _loss_tells(comparison: Comparison) -> str:
    """Where accuracy does not tell them apart and the probabilities do."""
    loss = comparison.log_loss
    if loss is None or not loss.is_sure:
        return ""
    first, second = _names(comparison)
    better = second if loss.value < 0 else first
    return f" by accuracy, though the log loss of {better} is lower ({p_words(loss.p_value)})"


def _tenths(value: float) -> str:
    """One decimal, and as many more as a small difference needs."""
    decimals = 1 if abs(value) >= 0.1 or value == 0 else min(4, 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def _points_between(low: float, high: float) -> str:
    return " to ".join(apart([100 * low, 100 * high], 1, edges=(0.0,))).replace("-", "−")


def _round(count: int) -> str:
    """`21,000`: two digits of what is an estimate."""
    digits = max(0, len(str(count)) - 2)
    return f"{math.ceil(count / 10**digits) * 10**digits:,}"


def seeds_words(count: int) -> str:
    """`5 seeds`."""
    return some(count, "seed")
