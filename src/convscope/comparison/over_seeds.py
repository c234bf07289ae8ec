"""The figure of several runs that differ by their seed, as one: their mean, and the band of it."""

from collections.abc import Sequence
from typing import Any

from convscope.evaluation.proportion import MeanOverRuns


def mean_figure(summaries: Sequence[dict[str, Any]], split: str) -> tuple[str, MeanOverRuns] | None:
    """Over the summaries of finished runs, the name of their figure on a split, with its mean and band."""
    values, name = [], "accuracy"
    for summary in summaries:
        found = summary.get("folds") or summary.get(split)
        if found is None:
            return None
        name = "accuracy" if "accuracy" in found else "mean_absolute_error"
        values.append(float(found[name]["value"]))
    if not values:
        return None
    return name.replace("_", " "), MeanOverRuns(tuple(values), is_share=name == "accuracy")


def summary_over(summaries: Sequence[dict[str, Any]], split: str) -> dict[str, Any] | None:
    """The mean of runs on a split as a run's summary has its own figure; None where they have none."""
    found = mean_figure(summaries, split)
    if found is None:
        return None
    name, mean = found
    ends = list(mean.interval)
    if ends[0] != ends[0]:  # all alike, or one run: no more is known than the values
        ends = [min(mean.values), max(mean.values)]
    images = (summaries[0].get(split) or {}).get(name.replace(" ", "_"), {}).get("n", 0)
    return {name.replace(" ", "_"): {"value": mean.mean, "interval": ends, "n": images}}
