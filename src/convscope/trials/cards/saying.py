"""How a figure, its interval and its verdict are said: on the screen and on the page alike."""

import math
from collections.abc import Mapping
from typing import Any

from convscope.config.reference import Figure, Kind, Reference
from convscope.trials.cards.card import Card, Result
from convscope.wording import apart, duration, percent, rounded, some

EXACT = ("number", "claim")
"""Kinds that are so or are not."""

MANY = 1_000
"""From so many images on a second decimal of a per cent says something."""


def figure_words(kind: Kind, value: float | None, images: int | None = None) -> str:
    """`85.75 %`, `+1.2 points`, `107.98`, `9 min 27 s`, `yes`."""
    if value is None or not math.isfinite(value):
        return "–"
    match kind:
        case "accuracy":
            return percent(value, 2 if (images or 0) >= MANY else 1)
        case "difference":
            return f"{100 * value:+.2f} points".replace("-", "−")
        case "seconds":
            return f"{value:.3g} s" if value < 10 else duration(value)
        case "claim":
            return "yes" if value == 1 else "no" if value == 0 else percent(value, 0)
        case "number" if value == int(value):
            return f"{value:,.0f}"
        case "count":
            return f"{value:.2f}"
        case _:
            return rounded(value, 5)


def reported_words(kind: Kind, said: Mapping[str, float]) -> str:
    """What a source reported, in as many digits as it did: `70.94 %`, `82–87 %`; `–` where it is nothing.

    `said` holds `value`, and `to` where it is a range.
    """
    if not said:
        return "–"
    ends = [said["value"], *([said["to"]] if "to" in said else [])]
    if kind == "accuracy":
        return "–".join(f"{100 * end:.6g}" for end in ends) + " %"
    words = [figure_words(kind, end) for end in ends]
    return " to ".join(words)


def measured_words(result: Result) -> str:
    """`85.33 % (84.1–86.6; 5 seeds, n = 10,000)`."""
    pooled = result.measured
    value = figure_words(pooled.kind, pooled.value, pooled.images)
    around = [interval_words(pooled.kind, pooled.interval)]
    seeds = len(pooled.seeds)
    if pooled.kind in ("number", "claim") and seeds == 1:
        return value
    if pooled.images is not None:
        around.append(f"{some(seeds, 'seed')}, n = {pooled.images:,}")
    elif seeds > 1:
        around.append(some(seeds, "seed"))
    inside = "; ".join(each for each in around if each)
    return f"{value} ({inside})" if inside else value


def interval_words(kind: Kind, interval: Any) -> str:
    """`84.1–86.6`; nothing where there is none."""
    if interval is None or kind == "seconds":
        return ""
    low, high = interval
    if kind in ("accuracy", "difference"):
        ends = apart([100 * low, 100 * high], 1 if kind == "accuracy" else 2, edges=(0.0, 100.0))
    else:
        ends = [rounded(low), rounded(high)]
    to = " to " if low < 0 else "–"
    return to.join(ends).replace("-", "−")


def headline(reference: Reference) -> Figure | None:
    """The figure that the verdict is on: the first with a value; the first, where none has one."""
    valued = [figure for figure in reference.figures if figure.value is not None]
    return next(iter(valued or reference.figures), None)


def headline_of(card: Card, reference: Reference) -> Result | None:
    """The same on a card."""
    figure = headline(reference)
    return None if figure is None else card.figures.get(figure.name)


def reported(reference: Reference) -> str:
    """What the source reported, in a few words."""
    figure = headline(reference)
    if figure is not None and figure.kind == "number":
        return some(len(reference.figures), "figure")
    if figure is not None and figure.value is not None:
        what = "" if figure.name == "test accuracy" else f"{figure.name} "
        return what + reported_words(figure.kind, figure.reported)
    if reference.orderings:
        return " and ".join(ordering.name for ordering in reference.orderings)
    return reference.says


def measured(card: Card) -> str:
    """What a card found, in a few words: its first figure, or how many of many are the same."""
    valued = [result for result in card.figures.values() if result.reported]
    if len(valued) > 1 and all(result.measured.kind in EXACT for result in valued):
        same = sum(result.verdict.word == "agrees" for result in valued)
        return f"{same} of {len(valued)} are so"
    first = next(iter(valued or card.figures.values()), None)
    return "see the card" if first is None else measured_words(first)
