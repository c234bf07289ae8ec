"""Charts of trainings beside one another, and beside what a source reported of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from convscope.evaluation.proportion import Proportion
from convscope.report.charts.lines import LONGEST, Record, log_ticks
from convscope.report.charts.vector import AnyChart, in_type, rows_of
from convscope.report.palette import HUES, LIGHT
from convscope.wording import percent

Rows = list[dict[str, Any]]
_SMOOTH = 0.9  # of the mean so far stays with each record


@dataclass(frozen=True, kw_only=True)
class AtStep:
    """An accuracy after so many steps, measured, and as a source reported it."""

    step: int
    measured: Proportion
    reported: float | None = None


def accuracy_at_steps_chart(moments: Sequence[AtStep]) -> AnyChart:
    """Accuracy after few and many steps, side by side: measured with its interval, and reported.

    Raises:
        ValueError: when there is no moment.
    """
    if not moments:
        raise ValueError("accuracy_at_steps_chart needs at least one moment")
    names = ["before training" if each.step == 0 else f"{each.step:,}" for each in moments]
    rows: Rows = [
        {
            "step": name,
            "accuracy": each.measured.value,
            "low": each.measured.interval[0],
            "high": each.measured.interval[1],
            "reported": each.reported,
            "said": percent(each.measured.value, 1),
        }
        for name, each in zip(names, moments, strict=True)
    ]
    x = alt.X("step:N", sort=names, title="steps", axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(domain=[0, 1.06], nice=False)
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    options: dict[str, Any] = {"scale": scale, "axis": axis, "title": "test accuracy"}
    y = alt.Y("accuracy:Q", **options)
    base = alt.Chart(rows_of(rows)).encode(x=x)
    line = base.mark_line(color=LIGHT["train"], strokeWidth=1.2).encode(y=y)
    bars = base.mark_rule(color=LIGHT["train"], strokeWidth=1.6)
    words = base.mark_text(dy=-12, dx=8, align="right", color=LIGHT["ink"], fontSize=11).encode(
        y=y, text="said:N"
    )
    reported = base.transform_filter("isValid(datum.reported)").encode(y=alt.Y("reported:Q", **options))
    layers = [
        _marked(reported, "reported", size=110, filled=False),
        line,
        bars.encode(y=alt.Y("low:Q", **options), y2="high:Q"),
        _marked(base.encode(y=y), "measured", size=46, filled=True),
        words,
    ]
    return in_type(alt.layer(*layers).properties(width=400, height=220))


def _marked(chart: alt.Chart, name: str, *, size: int, filled: bool) -> alt.Chart:
    """Points with an entry in the legend: circles for what was measured, diamonds for what was reported."""
    names = ["measured", "reported"]
    legend = alt.Legend(title=None, orient="top", symbolFillColor="transparent")
    hues = alt.Scale(domain=names, range=[LIGHT["train"], LIGHT["validation"]])
    shapes = alt.Scale(domain=names, range=["circle", "diamond"])
    named = chart.transform_calculate(kind=f"'{name}'").mark_point(
        size=size, filled=filled, opacity=1, strokeWidth=1.6
    )
    drawn: alt.Chart = named.encode(
        color=alt.Color("kind:N", scale=hues, legend=legend),
        shape=alt.Shape("kind:N", scale=shapes, legend=legend),
    )
    return drawn


def few_and_all_chart(course: Sequence[Mapping[str, float]], few: int, all_images: int) -> AnyChart:
    """The accuracy on a few images with its 95 % interval as a band, beside that on all of them.

    Args:
        course: for each moment `step`, `value`, `low`, `high` of the few, and `whole` of all.
        few, all_images: how many images those are.

    Raises:
        ValueError: when there is no moment.
    """
    if not course:
        raise ValueError("few_and_all_chart needs at least one moment")
    rows: Rows = [dict(each) for each in course]
    values = [row[name] for row in rows for name in ("low", "high", "whole")]
    scale = alt.Scale(
        domain=[max(0.0, min(values) - 0.02), min(1.0, max(values) + 0.02)], nice=False, clamp=True
    )
    options: dict[str, Any] = {
        "scale": scale,
        "title": "accuracy",
        "axis": alt.Axis(format=".0%", tickCount=6),
    }
    x = alt.X("step:Q", title="step", axis=alt.Axis(grid=False, tickCount=6, format=",d"))
    base = alt.Chart(rows_of(rows)).encode(x=x)
    names = [f"{few:,} images, 95 % interval", f"all {all_images:,}"]
    colour = alt.Scale(domain=names, range=[LIGHT["validation"], LIGHT["train"]])
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", labelLimit=300)
    lines = []
    for name, column in zip(names, ("value", "whole"), strict=True):
        hue = alt.Color("name:N", scale=colour, legend=legend)
        drawn = base.transform_calculate(name=f"'{name}'").mark_line(
            strokeWidth=2, point={"size": 22, "filled": True}
        )
        lines.append(drawn.encode(y=alt.Y(f"{column}:Q", **options), color=hue))
    band = base.mark_area(color=LIGHT["shade"], opacity=1).encode(y=alt.Y("low:Q", **options), y2="high:Q")
    return in_type(alt.layer(band, *lines).properties(width=460, height=240))


def optimizer_chart(records: Mapping[str, Sequence[Record]]) -> AnyChart:
    """The loss of several trainings against the step, and against the seconds that they took.

    Args:
        records: by what the training is called, the records of its run; batches' losses are smoothed.

    Raises:
        ValueError: when none has recorded a batch.
    """
    rows = [row for name, each in records.items() for row in _smoothed(name, each)]
    if not rows:
        raise ValueError("optimizer_chart needs at least one training with a record of its batches")
    losses = [row["loss"] for row in rows]
    scale = alt.Scale(type="log", domain=[min(losses) / 1.15, max(losses) * 1.15], nice=False)
    names = [name for name in records if any(row["name"] == name for row in rows)]
    colours = alt.Scale(domain=names, range=[HUES[place % len(HUES)] for place in range(len(names))])
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", columns=4, labelLimit=240)
    panels = []
    ticks = alt.Axis(values=log_ticks(losses), format="~g")
    for column, title, loss in (
        ("step", "step", "loss of the batches"),
        ("seconds", "seconds of training", None),
    ):
        x = alt.X(f"{column}:Q", title=title, axis=alt.Axis(grid=False, tickCount=5, format=",~f"))
        y = alt.Y("loss:Q", scale=scale, title=loss, axis=ticks)
        colour = alt.Color("name:N", scale=colours, legend=legend)
        lines = alt.Chart(rows_of(rows)).mark_line(strokeWidth=1.8)
        panels.append(lines.encode(x=x, y=y, color=colour, order="step:Q").properties(width=280, height=220))
    return in_type(alt.hconcat(*panels, spacing=24))


def _smoothed(name: str, records: Sequence[Record]) -> Rows:
    """The loss at the start, then of batches as a running mean without the bias of its beginning; thinned."""
    rows: Rows = []
    mean, weight = 0.0, 0.0
    for record in records:
        loss = record.get("loss")
        if loss is None or not math.isfinite(loss) or loss <= 0:
            continue
        if record.get("split") == "train" and record["step"] == 0:  # where all of them begin
            rows.append({"name": name, "step": 0, "seconds": 0.0, "loss": float(f"{loss:.5g}")})
        if record.get("split") != "batch":
            continue
        mean = _SMOOTH * mean + (1 - _SMOOTH) * math.log(loss)
        weight = _SMOOTH * weight + (1 - _SMOOTH)
        seconds = float(record.get("seconds") or 0.0)
        rows.append(
            {
                "name": name,
                "step": record["step"],
                "seconds": seconds,
                "loss": float(f"{math.exp(mean / weight):.5g}"),
            }
        )
    kept = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LONGEST // 2)).round().astype(int))
    return [rows[place] for place in kept.tolist()]
