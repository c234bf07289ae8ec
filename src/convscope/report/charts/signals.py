"""Charts of what flows through a network, and of the learning-rate finder."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import HUES, LIGHT

Rows = list[dict[str, Any]]

_EACH, _MEAN = "each step", "their running mean"
_REACH = 4  # steps to each side


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """How often values lie in each bin: edges (bins + 1,), counts (bins,)."""

    name: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    note: str = ""
    """Stands beside the name, as in "41 % zero"."""


_MOST_SAID = 7  # values beside the points of a line; more would lie over one another


def signal_chart(layers: Sequence[str], deviations: Sequence[float], *, title: str = "") -> AnyChart:
    """The standard deviation of each layer's values, on a logarithmic scale, in the order of the layers.

    A level line is the healthy case; one that climbs or falls steadily explodes or vanishes. Of many layers
    the first, the last and the extremes are given as numbers.
    """
    rows: Rows = [
        {"layer": name, "deviation": value, "said": _said(value)}
        for name, value in zip(layers, deviations, strict=True)
        if np.isfinite(value) and value > 0
    ]
    values = [row["deviation"] for row in rows] or [1.0]
    domain = [min(*values, 0.1) / 2, max(*values, 10.0) * 2]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    x = alt.X("layer:N", sort=list(layers), title=None, axis=alt.Axis(labelAngle=-40, labelLimit=160))
    y_axis = alt.Axis(values=_decades(*domain), format="~g")
    y = alt.Y("deviation:Q", scale=scale, title="standard deviation", axis=y_axis)
    for place, row in enumerate(rows):
        is_end = place in (0, len(rows) - 1) or row["deviation"] in (min(values), max(values))
        row["said"] = row["said"] if is_end or len(rows) <= _MOST_SAID else ""
    base = alt.Chart(rows_of(rows)).encode(x=x, y=y)
    one = alt.Chart(rows_of([{"deviation": 1}])).mark_rule(color=LIGHT["rule"], strokeDash=[4, 3]).encode(y=y)
    kept = alt.Chart(rows_of([{"deviation": 1}])).mark_text(
        text="1: as large as the standardised image",
        align="left",
        dx=4,
        dy=9,
        fontSize=11,
        color=LIGHT["quiet"],
    )
    marks = base.mark_line(color=LIGHT["train"], point={"size": 40, "color": LIGHT["train"]})
    words = base.mark_text(dy=-12, align="center", fontSize=11, color=LIGHT["ink"]).encode(text="said:N")
    width = max(300, 46 * len(layers))
    chart = alt.layer(one, kept.encode(y=y, x=alt.value(0)), marks, words).properties(width=width, height=220)
    return in_type(chart.properties(title=title) if title else chart)


def drift_chart(steps: Sequence[float], deviations: Mapping[str, Sequence[float]]) -> AnyChart:
    """The standard deviation of each layer's values against the step, on a logarithmic scale."""
    rows: Rows = [
        {"step": step, "deviation": value, "layer": name}
        for name, values in deviations.items()
        for step, value in zip(steps, values, strict=True)
        if np.isfinite(value) and value > 0
    ]
    values = [row["deviation"] for row in rows] or [1.0]
    domain = [min(values) / 1.5, max(values) * 1.5]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    y = alt.Y(
        "deviation:Q", scale=scale, title="standard deviation of the values", axis=alt.Axis(format="~g")
    )
    colour = alt.Color(
        "layer:N",
        sort=list(deviations),
        scale=alt.Scale(domain=list(deviations), range=list(HUES[: len(deviations)])),
        legend=alt.Legend(title=None),
    )
    x = alt.X("step:Q", title="step", axis=alt.Axis(grid=False))
    chart = alt.Chart(rows_of(rows)).mark_line(point={"size": 30}).encode(x=x, y=y, color=colour)
    return in_type(chart.properties(width=520, height=260))


def histogram_sheet(
    histograms: Sequence[Histogram], *, columns: int = 3, title: str = "", says: Sequence[str] = ()
) -> AnyChart:
    """One small histogram a layer; each has its own scale, because layers differ by orders of magnitude.

    Args:
        histograms: in the order of the pass.
        columns: in a row.
        title: stands above.
        says: lines below the title, that explain what is noted beside the names.
    """
    drawn = [_histogram(each, names_axis=place % columns == 0) for place, each in enumerate(histograms)]
    sheet = alt.concat(*drawn, columns=columns, spacing=18)
    if title:
        words = alt.TitleParams(
            text=title, subtitle=list(says), subtitleColor=LIGHT["quiet"], subtitleFontSize=12, offset=14
        )
        sheet = sheet.properties(title=words)
    return in_type(sheet)


def learning_rate_finder_chart(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    *,
    proposed: float,
    steep: tuple[float, float] | None = None,
) -> AnyChart:
    """The loss against the learning rate: as measured, smoothed, its steady fall, and the proposal.

    Args:
        rates: rising, positive.
        losses: one a rate, as measured.
        smoothed: the mean so far, which decides where the search ends and the drawing with it. The line is
            drawn as a mean over both sides of each point, for one of the past alone lags behind the points.
        proposed: the learning rate to take, drawn as a rule with its value.
        steep: the lowest and highest rate between which the loss falls steadily, drawn as a shade.
    """
    ceiling = _ceiling(smoothed)
    rows: Rows = [
        {"rate": rate, "loss": loss if loss <= ceiling else None, "smoothed": smooth}
        for rate, loss, smooth in zip(rates, losses, _through(losses), strict=True)
    ]
    scale = alt.Scale(type="log", domain=[min(rates), max(rates)], nice=False)
    # 1e0 in place of 1e+0.
    x_axis = alt.Axis(tickCount=6, format="~e", labelExpr="replace(datum.label, '+', '')", grid=False)
    x = alt.X("rate:Q", scale=scale, title="learning rate", axis=x_axis)
    floor = min((row["loss"] for row in rows if row["loss"] is not None), default=0.0)
    y_scale = alt.Scale(domain=[min(0.0, floor), ceiling], nice=False)
    options: dict[str, Any] = {"scale": y_scale, "title": "loss"}
    base = alt.Chart(rows_of(rows)).encode(x=x)
    named = alt.Scale(domain=[_EACH, _MEAN], range=[LIGHT["quiet"], LIGHT["train"]])
    shapes = alt.Scale(domain=[_EACH, _MEAN], range=["circle", "stroke"])
    legend = alt.Legend(title=None, orient="top")
    raw = base.transform_calculate(kind=f"'{_EACH}'").mark_point(filled=True, size=12, opacity=0.75)
    raw = raw.encode(
        color=alt.Color("kind:N", scale=named, legend=legend),
        shape=alt.Shape("kind:N", scale=shapes, legend=legend),
    )
    smooth = base.transform_filter(f"datum.smoothed <= {ceiling}").transform_calculate(kind=f"'{_MEAN}'")
    smooth = smooth.mark_line(strokeWidth=1.8).encode(color=alt.Color("kind:N", scale=named, legend=legend))
    layers: list[alt.Chart] = []
    if steep is not None:
        shade = alt.Chart(rows_of([{"rate": steep[0], "to": steep[1]}]))
        layers.append(shade.mark_rect(color=LIGHT["shade"], opacity=1).encode(x=x, x2="to:Q"))
        falls = shade.mark_text(align="left", dx=5, color=LIGHT["ink"], fontSize=12, text="the loss falls")
        layers.append(falls.encode(x=x, y=alt.value(220)))
    layers.append(raw.encode(y=alt.Y("loss:Q", **options)))
    layers.append(smooth.encode(y=alt.Y("smoothed:Q", **options)))
    mark = alt.Chart(rows_of([{"rate": proposed, "top": ceiling, "said": f"take {proposed:.2g}"}])).encode(
        x=x
    )
    layers.append(mark.mark_rule(color=LIGHT["validation"], strokeWidth=1.5))
    words = mark.mark_text(align="left", dx=5, dy=7, color=LIGHT["validation"], fontSize=12)
    layers.append(words.encode(y=alt.Y("top:Q", **options), text="said:N"))
    return in_type(alt.layer(*layers).properties(width=420, height=230))


def _through(losses: Sequence[float]) -> list[float]:
    """Each loss averaged with its neighbours on both sides, the further the less."""
    values = np.asarray(losses, dtype=np.float64)
    weights = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / (_REACH / 2)) ** 2)
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0.0), weights, mode="same")
    share = np.convolve(finite.astype(np.float64), weights, mode="same")
    return [float(each) for each in total / np.where(share > 0, share, 1.0)]


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.2g}"


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _ceiling(smoothed: Sequence[float]) -> float:
    # The loss explodes at the end of the search; what matters is the valley before that.
    finite = [value for value in smoothed if np.isfinite(value)]
    first, least = finite[0], min(finite)
    return first + 0.35 * (first - least) if first > least else 1.5 * first


def _histogram(histogram: Histogram, *, names_axis: bool) -> alt.Chart:
    rows: Rows = [
        {"from": low, "to": high, "count": count}
        for low, high, count in zip(
            histogram.edges[:-1].tolist(),
            histogram.edges[1:].tolist(),
            histogram.counts.tolist(),
            strict=True,
        )
    ]
    scale = alt.Scale(domain=[float(histogram.edges[0]), float(histogram.edges[-1])], nice=False)
    x_axis = alt.Axis(tickCount=4, format=".4~g", grid=False, labelFlush=True)
    x = alt.X("from:Q", scale=scale, title="value", axis=x_axis)
    y_axis = alt.Axis(labels=False, grid=False)
    y = alt.Y("count:Q", title="how many" if names_axis else None, axis=y_axis)
    title = alt.TitleParams(
        text=histogram.name, subtitle=histogram.note, subtitleColor=LIGHT["quiet"], subtitleFontSize=11
    )
    bars = alt.Chart(rows_of(rows)).mark_rect(color=LIGHT["train"], opacity=1)
    drawn: alt.Chart = bars.encode(x=x, x2="to:Q", y=y, y2=alt.datum(0))
    return drawn.properties(width=190, height=90, title=title)
