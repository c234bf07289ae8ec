"""E14's two charts: a network's time by batch size, and how much longer one machine takes than another."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from convscope.benchmarking.comparing import BySize, TimesCompared
from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import HUES, LIGHT

WIDTH, HEIGHT = 330, 260
_DIRECTIONS = {"forward_backward": "forward and backward", "forward": "forward"}


def timing_charts(compared: TimesCompared) -> AnyChart:
    """Time by batch size, with its standard deviation; and beside it the ratios, where there are any."""
    colours = _colours(compared.times)
    seconds = _panel(compared.times, colours, title=f"{compared.network}: seconds for a batch")
    if not compared.ratios:
        return in_type(seconds)
    of_ratios = {line.name: colours[line.over] for line in compared.ratios}
    ratios = _panel(compared.ratios, of_ratios, title="times as long", rule=1.0)
    return in_type(alt.hconcat(seconds, ratios, spacing=34).resolve_scale(color="independent"))


def _panel(
    lines: Sequence[BySize], colours: Mapping[str, str], *, title: str, rule: float | None = None
) -> Any:
    rows = [_row(line, size) for line in lines for size in line.values]
    sizes = sorted({row["batch size"] for row in rows})
    x = alt.X(
        "batch size:Q",
        scale=alt.Scale(domain=[sizes[0] - 0.3, sizes[-1] + 0.3], nice=False),
        axis=alt.Axis(values=_few(sizes), grid=False, format="d"),
    )
    edges = [row[edge] for row in rows for edge in ("low", "high")] + ([rule] if rule else [])
    domain = [min(edges) / 1.15, max(edges) * 1.15]
    y_axis = alt.Axis(values=_ticks(*domain), format="~g")
    y = alt.Y("value:Q", title=None, scale=alt.Scale(type="log", domain=domain, nice=False), axis=y_axis)
    legend = alt.Legend(title=None, orient="bottom", columns=1, labelLimit=WIDTH, symbolType="stroke")
    colour = alt.Color(
        "line:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=legend
    )
    used = [said for said in _DIRECTIONS.values() if any(row["direction"] == said for row in rows)]
    dash = alt.StrokeDash(
        "direction:N",
        scale=alt.Scale(domain=used, range=[[1, 0], [4, 3]][: len(used)]),
        legend=alt.Legend(title=None, orient="bottom", symbolType="stroke") if len(used) > 1 else None,
    )
    base = alt.Chart(rows_of(rows)).encode(x=x, color=colour)
    layers: list[alt.Chart] = []
    if rule is not None:
        one = alt.Chart(rows_of([{"value": rule}])).mark_rule(color=LIGHT["rule"])
        layers.append(one.encode(y=y))
    layers.append(base.mark_rule(strokeWidth=1).encode(y=alt.Y("low:Q", title=None), y2="high:Q"))
    layers.append(base.mark_line(strokeWidth=1.6).encode(y=y, strokeDash=dash, detail="line:N"))
    layers.append(base.mark_point(filled=True, size=26, opacity=1).encode(y=y))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)


def _row(line: BySize, size: int) -> dict[str, Any]:
    value, sd = line.values[size], line.sds.get(size, 0.0)
    return {
        "batch size": size,
        "value": value,
        "low": max(value - sd, value / 2),  # a logarithmic axis has no zero
        "high": value + sd,
        "line": line.name,
        "direction": _DIRECTIONS[line.direction],
    }


def _colours(lines: Sequence[BySize]) -> dict[str, str]:
    """By name: greys for what the source reports, hues for what was measured."""
    greys, hues = itertools.cycle((LIGHT["quiet"], LIGHT["batch"])), itertools.cycle(HUES)
    is_reported = {line.name: line.is_reported for line in lines}
    return {name: next(greys if reported else hues) for name, reported in is_reported.items()}


def _few(sizes: Sequence[int]) -> list[int]:
    """At most ten ticks."""
    return list(sizes[:: math.ceil(len(sizes) / 10)])


def _ticks(low: float, high: float) -> list[float]:
    """One, two and five of each decade; of many decades the ones alone."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1,) if len(decades) > 5 else (1, 2, 5)
    ticks = [digit * 10.0**power for power in decades for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]
