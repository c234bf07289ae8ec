"""Line charts: what a training run recorded, step by step, and the learning-rate finder."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from convscope.evaluation.proportion import Proportion
from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import LIGHT

Record = Mapping[str, Any]
FIT: Any = {"type": "fit", "contains": "padding"}
"""Width and height of a drawing with its axes, so that charts side by side are alike in size."""

LONGEST = 600  # points in one line; more cannot be told apart at this width and only make the file larger


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line: its name, its points, and for each point an interval if there is one."""

    name: Literal["batch", "train", "validation"] | str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What stands at the axes of a line chart."""

    x_title: str
    y_title: str
    y_format: str = "~g"
    """A d3 number format."""
    y_log: bool = False
    x_log: bool = False


def loss_series(records: Iterable[Record]) -> list[Series]:
    """The loss of the batches, the training split and the validation split against the step."""
    rows = list(records)
    return [series for name in _SPLITS if (series := _series(rows, name, "loss"))]


def accuracy_series(records: Iterable[Record], validation_size: int | None = None) -> list[Series]:
    """The accuracy against the step; the validation's with its 95 % Wilson interval where its size is known.

    Empty for regression, whose records have no accuracy.
    """
    rows = list(records)
    found = [series for name in _SPLITS if (series := _series(rows, name, "accuracy"))]
    return [
        _with_interval(series, validation_size) if series.name == "validation" and validation_size else series
        for series in found
    ]


def crowds_at_the_top(series: Sequence[Series]) -> bool:
    """Whether most accuracies lie above 90 %, the last above 95 %: then a chart of errors tells more."""
    lines = [line for line in series if line.name == "validation"]
    values = [y for line in lines for y in line.y]
    return bool(values) and sum(y > 0.9 for y in values) > len(values) / 2 and lines[0].y[-1] > 0.95


def error_series(series: Sequence[Series], size: int | None) -> list[Series]:
    """Accuracies as the share that is wrong; none as half an image of `size`, for a logarithm has no zero."""
    least = 0.5 / (size or 1000)

    def wrong(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(max(1 - value, least) for value in values)

    return [
        Series(name=line.name, x=line.x, y=wrong(line.y), low=wrong(line.high), high=wrong(line.low))
        for line in series
    ]


def learning_rate_series(records: Iterable[Record]) -> list[Series]:
    """The learning rate against the step."""
    series = _series(list(records), "batch", "learning_rate")
    return [Series(name="learning rate", x=series.x, y=series.y)] if series else []


def loss_axes(series: Sequence[Series]) -> Axes:
    """Axes for a loss: logarithmic where it falls by more than a factor of ten."""
    values = [y for line in series for y in line.y]
    wide = bool(values) and min(values) > 0 and max(values) > 10 * min(values)
    return Axes(x_title="step", y_title="loss", y_log=wide)


ACCURACY_AXES = Axes(x_title="step", y_title="accuracy", y_format=".0%")
ERROR_AXES = Axes(x_title="step", y_title="errors", y_format=".1~%", y_log=True)
LEARNING_RATE_AXES = Axes(x_title="step", y_title="learning rate", y_format="~g")


def line_chart(series: Sequence[Series], axes: Axes, width: int = 360, height: int = 236) -> AnyChart:
    """Draw lines over one another: batches thin and grey beneath, the splits above, intervals as a shade.

    Raises:
        ValueError: when there is no series to draw.
    """
    if not series:
        raise ValueError("line_chart needs at least one series with a point")
    x = alt.X("x:Q", title=axes.x_title, scale=x_scale(series, axes), axis=alt.Axis(tickCount=5, grid=False))
    ticks: dict[str, Any] = (
        {"values": log_ticks([y for line in series for y in line.y])} if axes.y_log else {"tickCount": 5}
    )
    y_axis = alt.Axis(format=axes.y_format, **ticks)
    y_options = {"title": axes.y_title, "scale": _y_scale(series, axes), "axis": y_axis}
    layers = [_band(line, x, y_options) for line in series if line.low]
    splits = [name for name in _SPLITS if any(line.name == name for line in series)]
    layers += [_line(line, x, y_options, splits) for line in series]
    return in_type(alt.layer(*layers).properties(width=width, height=height, autosize=FIT))


def x_scale(series: Sequence[Series], axes: Axes) -> alt.Scale:
    """The horizontal scale: not rounded to whole ticks, so that a page can invert it."""
    first, last = x_domain(series, axes)
    return alt.Scale(domain=[first, last], nice=False, type="log" if axes.x_log else "linear")


def x_domain(series: Sequence[Series], axes: Axes) -> tuple[float, float]:
    """Where the horizontal axis begins and ends: at zero, unless it is logarithmic, and at the last point."""
    values = [x for line in series for x in line.x]
    first, last = min(values), max(values)
    if not axes.x_log:
        first = min(first, 0.0)
    return (first, last) if last > first else (first, first + 1)


_SPLITS = ("batch", "train", "validation")


def _series(rows: Sequence[Record], split: str, field: str) -> Series | None:
    points = [
        (float(row["step"]), float(row[field]))
        for row in rows
        if row.get("split") == split and row.get(field) is not None and math.isfinite(row[field])
    ]
    if not points:
        return None
    stride = math.ceil(len(points) / LONGEST)
    kept = points[::stride]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return Series(name=split, x=tuple(p[0] for p in kept), y=tuple(p[1] for p in kept))


def _with_interval(series: Series, size: int) -> Series:
    intervals = [Proportion(round(y * size), size).interval for y in series.y]
    return Series(
        name=series.name,
        x=series.x,
        y=series.y,
        low=tuple(low for low, _ in intervals),
        high=tuple(high for _, high in intervals),
    )


def log_ticks(values: Sequence[float]) -> list[float]:
    """One, two and five of each decade: a logarithmic axis with a line for every digit is all lines."""
    decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    wide = len(decades) > 4
    return [digit * 10.0**power for power in decades for digit in ((1,) if wide else (1, 2, 5))]


def _y_scale(series: Sequence[Series], axes: Axes) -> alt.Scale:
    values = [y for line in series for y in (*line.y, *line.low, *line.high)]
    low, high = min(values), max(values)
    if axes.y_log:
        return alt.Scale(type="log", domain=[low / 1.15, high * 1.15], nice=False)
    if axes.y_format.endswith("%"):
        return alt.Scale(domain=[max(0.0, low - 0.02), min(1.0, high + 0.01)], nice=False, clamp=True)
    return alt.Scale(domain=[min(0.0, low), high * 1.04 if high > 0 else 1.0], nice=False)


def _band(line: Series, x: alt.X, y_options: dict[str, Any]) -> alt.Chart:
    """The intervals of a line, as a shade that all lines are drawn over."""
    rows = [{"x": a, "low": b, "high": c} for a, b, c in zip(line.x, line.low, line.high, strict=True)]
    area = alt.Chart(rows_of(rows)).mark_area(color=LIGHT["shade"], opacity=1)
    drawn: alt.Chart = area.encode(x=x, y=alt.Y("low:Q", **y_options), y2="high:Q")
    return drawn


def _line(line: Series, x: alt.X, y_options: dict[str, Any], splits: Sequence[str]) -> alt.Chart:
    """A line, in the legend where it is one of the splits that the chart shows."""
    rows = [{"x": a, "y": b, "line": line.name} for a, b in zip(line.x, line.y, strict=True)]
    colour: Any = alt.value(LIGHT["train"])
    if line.name in splits:
        scale = alt.Scale(domain=list(splits), range=[LIGHT[name] for name in splits])
        colour = alt.Color(
            "line:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolType="stroke")
        )
    chart = alt.Chart(rows_of(rows))
    thin = line.name == "batch"
    few = len(rows) <= 40 and not thin
    drawn: alt.Chart = chart.mark_line(
        strokeWidth=0.9 if thin else 1.8, point={"size": 14} if few else False
    ).encode(x=x, y=alt.Y("y:Q", **y_options), color=colour)
    return drawn
