"""What a better accuracy costs: seconds of training against accuracy, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from convscope.report.charts.lines import FIT
from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import LIGHT


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One run or recipe: seconds of one training, and its accuracy with a 95 % interval, as shares of 1."""

    name: str
    seconds: float
    accuracy: float
    interval: tuple[float, float]


def frontier(costs: Sequence[Cost]) -> list[Cost]:
    """Those that no other beats in both: the cheapest first."""
    best, found = -1.0, []
    for cost in sorted(costs, key=lambda each: (each.seconds, -each.accuracy)):
        if cost.accuracy > best:
            best = cost.accuracy
            found.append(cost)
    return found


def pareto_chart(costs: Sequence[Cost], width: int = 336, height: int = 220) -> AnyChart:
    """Points with their intervals; a line joins those that no other beats in both."""
    rows = [
        {
            "name": cost.name,
            "seconds": cost.seconds,
            "accuracy": cost.accuracy,
            "low": cost.interval[0],
            "high": cost.interval[1],
        }
        for cost in costs
    ]
    seconds = [cost.seconds for cost in costs]
    x = alt.X(
        "seconds:Q",
        title="seconds of training",
        scale=alt.Scale(type="log", domain=[min(seconds) / 1.6, max(seconds) * 2.5], nice=False),
        axis=alt.Axis(grid=False, format="~g", tickCount=4),
    )
    lowest = min(cost.interval[0] for cost in costs)
    scale = alt.Scale(domain=[lowest, max(cost.interval[1] for cost in costs)], nice=True, zero=False)
    axis = alt.Axis(format=".1%" if 1 - lowest < 0.2 else ".0%", tickCount=5)
    y = alt.Y("accuracy:Q", title="accuracy", scale=scale, axis=axis)
    low = alt.Y("low:Q", title="accuracy", scale=scale, axis=axis)
    best = {cost.name for cost in frontier(costs)}
    joined = alt.Chart(rows_of([row for row in rows if row["name"] in best])).encode(x=x, y=y)
    base = alt.Chart(rows_of(rows)).encode(x=x)
    layers = [
        joined.mark_line(color=LIGHT["rule"], strokeDash=[4, 3], strokeWidth=1.2),
        base.mark_rule(color=LIGHT["train"], strokeWidth=1.2).encode(y=low, y2="high:Q"),
        base.mark_point(color=LIGHT["train"], filled=True, size=48, opacity=1).encode(y=y),
        base.mark_text(align="left", dx=7, dy=-6, fontSize=12, color=LIGHT["ink"]).encode(y=y, text="name:N"),
    ]
    return in_type(alt.layer(*layers).properties(width=width, height=height, autosize=FIT))
