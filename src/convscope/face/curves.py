"""A run's curves: as pictures to keep, and as drawings in the colours of the notebook that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from convscope.report.charts import lines
from convscope.report.charts.lines import Axes, Series
from convscope.report.charts.vector import to_svg
from convscope.report.pictures.notebook import Picture, inlined
from convscope.runs.folder import DATASET, Run

Curve = Literal["loss", "accuracy", "learning rate"]


def curve(run: Run, what: Curve) -> Picture | None:
    """One curve against the step; None where fewer than two moments were recorded.

    `.array` holds rows of step and value of the first line, with the validation's before the batches'.
    """
    series, axes = _drawn(run, what)
    if not series:
        return None
    line = series[-1]
    names = ", ".join(each.name for each in series)
    chart = lines.line_chart(series, axes)
    return Picture(np.array([line.x, line.y]).T, chart, f"{what} against the step: {names}")


def curves_html(run: Run, which: Sequence[Curve]) -> str:
    """Curves side by side, or below each other where there is no room."""
    drawn = []
    for what in which:
        series, axes = _drawn(run, what)
        if series:
            drawn.append(inlined(to_svg(lines.line_chart(series, axes))))
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{"".join(drawn)}</div>'


def _drawn(run: Run, what: Curve) -> tuple[list[Series], Axes]:
    records: list[dict[str, Any]] = run.metrics()
    match what:
        case "loss":
            series = lines.loss_series(records)
            axes = lines.loss_axes(series)
        case "accuracy":
            sizes = run.read(DATASET).get("sizes", {}) if run.has(DATASET) else {}
            series, axes = lines.accuracy_series(records, sizes.get("validation")), lines.ACCURACY_AXES
        case "learning rate":
            series, axes = lines.learning_rate_series(records), lines.LEARNING_RATE_AXES
    moments = {step for line in series for step in line.x}
    return (series if len(moments) > 1 else []), axes
