"""How the report says numbers, and the sentences it opens with."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convscope import wording
from convscope.diagnosis.answers import images_of
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion, mean_over_folds
from convscope.report.page.material import Material
from convscope.runs.advice import resume_command
from convscope.wording import apart, rounded, some

FIXED = "\N{NO-BREAK SPACE}"
"""Stands between a number and its per cent sign, and does not break."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The first lines of the report."""

    conclusion: str
    remarks: tuple[str, ...]


def percent(value: float | None, decimals: int = 1) -> str:
    """A share as "91.2 %", or a dash; the sign never stands alone on a line."""
    return wording.percent(value, decimals).replace(" ", FIXED)


def interval(proportion: Proportion) -> str:
    """The 95 % interval as "89.0–93.0 %"."""
    low, high = apart([100 * end for end in proportion.interval], 1, edges=(0.0, 100.0))
    return f"{low}–{high}{FIXED}%"


def number(value: Any, digits: int = 4) -> str:
    """A number with as many digits as one reads: 0.0123, 4.56, 1,234; a setting as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return rounded(value, digits) if value is None or isinstance(value, float) else str(value)


def opening(material: Material) -> Opening:
    """Say in one sentence how good the network is and what that beats; then what belongs to it."""
    found, judged = _opening(material), material.judged
    together = material.summary.get("by_series", {}).get("" if judged is None else judged.split)
    if together is None:
        return found
    sentence: str = together["sentence"]
    return replace(found, remarks=(f"{sentence[0].upper()}{sentence[1:]} %.", *found.remarks))


def _opening(material: Material) -> Opening:
    judged, folds = material.judged, material.summary.get("folds")
    if folds:
        return _cross_validated(folds, judged)
    if judged is None:
        return _unfinished(material)
    if material.is_regression:
        return _regression(judged)
    return _classification(material, judged)


def _classification(material: Material, judged: Predictions) -> Opening:
    accuracy = judged.accuracy
    baseline, common = _most_frequent(judged)
    conclusion = (
        f"Right on {accuracy.correct:,} of {images_of(judged)}, {percent(accuracy.value)} "
        f"(95{FIXED}% interval {interval(accuracy)}), where always answering {common} "
        f"gets {percent(baseline)}."
    )
    remarks = []
    untrained = (material.summary.get("untrained") or {}).get("accuracy")
    if untrained is not None:
        remarks.append(f"Before training the same network was right on {percent(untrained)}.")
    if judged.split == "validation":
        remarks.append("The test split was not measured; validation figures were selected on and flatter.")
    low, high = accuracy.interval
    if high - low > 0.08:
        remarks.append(f"The interval is wide because {some(accuracy.n, 'image')} cannot say more.")
    return Opening(conclusion=conclusion, remarks=(*remarks, *_most_confused(judged)))


def _most_confused(judged: Predictions) -> list[str]:
    return [
        f"Most confused: “{pair.true}” taken for “{pair.predicted}”, {some(pair.count, 'time')} in "
        f"{pair.support:,}."
        for pair in judged.confusion.pairs(1)
    ]


def _regression(judged: Predictions) -> Opening:
    labels = judged.labels.astype(np.float64)
    error = judged.regression.mean_absolute_error
    low, high = (number(end, 3) for end in error.interval)
    median = float(np.median(labels))
    spread = float(np.abs(labels - median).mean())
    conclusion = (
        f"Off by {number(error.value, 3)} on average over {some(error.n, judged.split + ' image')} "
        f"(95{FIXED}% interval {low}–{high}), where always answering {number(median)}, the median, "
        f"is off by {number(spread, 3)}."
    )
    return Opening(conclusion=conclusion, remarks=())


def _cross_validated(folds: dict[str, Any], held_out: Predictions | None) -> Opening:
    """The classifier saw all images; what is known of it is what its kind was worth on those held out."""
    what = "Accuracy" if "accuracy" in folds else "Mean absolute error"
    times = "" if folds["repeats"] == 1 else f", {folds['repeats']} times"
    how = f"{folds['folds']}-fold cross-validation{times}; this classifier is fitted on all images."
    confused = [] if held_out is None or held_out.is_regression else _most_confused(held_out)
    return Opening(
        conclusion=f"{what} on images held out: {mean_over_folds(folds)}.", remarks=(how, *confused)
    )


def _unfinished(material: Material) -> Opening:
    last = next((row for row in reversed(material.metrics) if row.get("split") == "validation"), None)
    step = material.metrics[-1]["step"] if material.metrics else 0
    if last is None:
        conclusion = f"This run is not finished: it reached step {step:,}, before the first validation."
    elif last.get("accuracy") is not None:
        conclusion = (
            f"This run is not finished: it reached step {step:,}; at the last validation, "
            f"step {last['step']:,}, it was right on {percent(last['accuracy'])}."
        )
    else:
        conclusion = (
            f"This run is not finished: it reached step {step:,}; the last validation loss, at step "
            f"{last['step']:,}, was {number(last['loss'])}."
        )
    return Opening(
        conclusion=conclusion,
        remarks=(f"Go on with: {resume_command(material.path)}",),
    )


def _most_frequent(judged: Predictions) -> tuple[float, str]:
    counts = np.bincount(judged.labels, minlength=len(judged.class_names))
    share = float(counts.max() / counts.sum())
    if (counts == counts.max()).sum() > 1:
        return share, "the same class"
    return share, f"“{judged.class_names[int(counts.argmax())]}”, the most frequent class,"
