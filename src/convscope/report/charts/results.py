"""Charts of results: confidence, regression, points in two dimensions."""

from typing import Any

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from convscope.evaluation.calibration import Calibration
from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import LIGHT

Rows = list[dict[str, Any]]


def reliability_chart(calibration: Calibration, width: int = 300, height: int = 240) -> AnyChart:
    """Accuracy with its interval against confidence; on the diagonal a classifier is to be believed."""
    rows: Rows = [
        {
            "confidence": each.confidence,
            "accuracy": each.accuracy.value,
            "low": each.accuracy.interval[0],
            "high": each.accuracy.interval[1],
            "images": each.accuracy.n,
        }
        for each in calibration.bins
    ]
    lowest = min([1.0, *(row["confidence"] for row in rows), *(row["low"] for row in rows)])
    scale = alt.Scale(domain=[max(0.0, lowest - 0.03), 1.0], nice=False)
    x = alt.X(
        "confidence:Q",
        title="how sure it was",
        scale=scale,
        axis=alt.Axis(format=".0%", tickCount=5, grid=False),
    )
    y_axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("accuracy:Q", title="how often it was right", scale=scale, axis=y_axis)
    low = alt.Y("low:Q", title="how often it was right", scale=scale, axis=y_axis)
    ends: Rows = [{"confidence": at, "accuracy": at} for at in (max(0.0, lowest - 0.03), 1.0)]
    diagonal = alt.Chart(rows_of(ends)).mark_line(color=LIGHT["rule"], strokeDash=[4, 3], strokeWidth=1.2)
    bins = alt.Chart(rows_of(rows))
    intervals = bins.mark_rule(color=LIGHT["train"], strokeWidth=1.2).encode(x=x, y=low, y2="high:Q")
    points = bins.mark_point(color=LIGHT["train"], filled=True, size=36, opacity=1).encode(x=x, y=y)
    layers = alt.layer(diagonal.encode(x=x, y=y), intervals, points)
    return in_type(layers.properties(width=width, height=height))


def predicted_against_true_chart(
    true: ArrayLike, predicted: ArrayLike, seen: tuple[float, float] | None = None
) -> AnyChart:
    """Regression: each answer against the truth; on the diagonal it is exact.

    Args:
        true: the numbers (N,).
        predicted: the answers (N,).
        seen: the range of numbers in training, drawn as two rules: outside it the network guesses.
    """
    xs, ys = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    rows: Rows = [{"true": x, "predicted": y} for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    low, high = float(min(xs.min(), ys.min())), float(max(xs.max(), ys.max()))
    scale = alt.Scale(domain=[low, high if high > low else low + 1], nice=True, zero=False)
    x, y = alt.X("true:Q", scale=scale, title="true"), alt.Y("predicted:Q", scale=scale, title="predicted")
    ends: Rows = [{"true": at, "predicted": at} for at in (low, high)]
    diagonal = alt.Chart(rows_of(ends)).mark_line(color=LIGHT["rule"], strokeDash=[4, 3], strokeWidth=1.2)
    points = alt.Chart(rows_of(rows)).mark_point(color=LIGHT["train"], filled=True, size=16, opacity=0.45)
    layers = [diagonal.encode(x=x, y=y), points.encode(x=x, y=y)]
    if seen is not None:
        limits = alt.Chart(rows_of([{"true": at} for at in seen]))
        layers.append(limits.mark_rule(color=LIGHT["quiet"], strokeDash=[1, 3]).encode(x=x))
    return in_type(alt.layer(*layers).properties(width=300, height=300))
