"""What the source of an experiment reported, beside what a run of it measured."""

from pathlib import Path
from typing import Any

from convscope.config.experiment_file import read_reference
from convscope.config.reference import Figure
from convscope.wording import percent, percent_decimals

Line = tuple[str, str, str]


def reported_beside_measured(experiment: Path, summary: dict[str, Any]) -> list[Line]:
    """A label, what was reported, and what was measured, for each accuracy of the finished classifier."""
    reference = read_reference(experiment)
    figures = () if reference is None else reference.figures
    return [
        ("reported", _said(figure), _measured(figure, summary[figure.split]["accuracy"]))
        for figure in figures
        if _is_plain(figure) and "accuracy" in summary.get(figure.split, {})
    ]


def _is_plain(figure: Figure) -> bool:
    """Whether it is the accuracy of what a run ends with, on all images of a split."""
    partial = (figure.at_step, figure.first, figure.shown, figure.minus)
    whole = figure.of == "classifier" and all(part is None for part in partial)
    return figure.kind == "accuracy" and figure.value is not None and whole


def _said(figure: Figure) -> str:
    upper = "" if figure.to is None else f" to {percent(figure.to, 1)}"
    return f"{percent(figure.value, 1)}{upper} of the {figure.split} images, by the source"


def _measured(figure: Figure, accuracy: dict[str, Any]) -> str:
    """The run's own figure, and whether the reported one lies within its interval."""
    decimals = percent_decimals(accuracy["n"])
    low, high = accuracy["interval"]
    value, upper = figure.value or 0.0, figure.to or figure.value or 0.0
    where = "within" if low <= upper and value <= high else "outside"
    ends = f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}"
    return f"measured here: {percent(accuracy['value'], decimals)}; reported is {where} its interval, {ends}"
