"""The report's curves: drawn as SVG, with the numbers beside them that a pointer asks for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convscope.report.charts import lines
from convscope.report.charts.lines import Axes, Series
from convscope.report.charts.vector import to_svg
from convscope.report.page.material import Material
from convscope.report.palette import themed
from convscope.report.wording import number, percent
from convscope.runs.checkpoint_names import kept_in_words
from convscope.wording import some

Moment = tuple[int, int]
"""A step, and which of the measurements at it: at step 0 a head's fit lies between two of them."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A chart for the page."""

    title: str
    caption: str
    alt: str
    svg: str
    hover: str
    """JSON: the horizontal domain, and for each line its name and points, for the page's script."""


def curves(material: Material) -> list[Curve]:
    """Loss, accuracy and learning rate against the step; those that were recorded."""
    sizes = material.dataset.get("sizes") or {}
    loss = lines.loss_series(material.metrics)
    accuracy = lines.accuracy_series(material.metrics, sizes.get("validation"))
    rate = lines.learning_rate_series(material.metrics)
    loss_axes = lines.loss_axes(loss)
    crowded = lines.crowds_at_the_top(accuracy)
    shade = _shade_caption(sizes.get("validation"))
    if crowded:
        wrong = lines.error_series(accuracy, sizes.get("validation"))
        how_good = _curve("Errors", wrong, lines.ERROR_AXES, f"Share of the images, logarithmic. {shade}")
    else:
        how_good = _curve("Accuracy", accuracy, lines.ACCURACY_AXES, shade)
    drawn = [
        _curve("Loss", loss, loss_axes, "Logarithmic." if loss_axes.y_log else ""),
        how_good,
        _curve("Learning rate", rate, lines.LEARNING_RATE_AXES, "What each step was scaled by."),
    ]
    return [curve for curve in drawn if curve is not None]


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """What was measured at one moment: accuracies or losses, by split."""

    name: str
    step: int
    train: str
    validation: str
    is_kept: bool
    """Whether the run's classifier has these weights."""


def milestones(material: Material) -> list[Milestone]:
    """The measurements before training, of a fitted head, the best, the last: accuracies, or else losses."""
    rows = {split: _by_moment(material, split) for split in ("train", "validation")}
    named = _named_moments(material, list(rows["validation"] or rows["train"]))
    kept = str((material.summary.get("kept") or {}).get("checkpoint") or material.summary.get("checkpoint"))
    return [
        Milestone(
            name=", and ".join(names),
            step=moment[0],
            train=_measured(rows["train"].get(moment)),
            validation=_measured(rows["validation"].get(moment)),
            is_kept=kept in names or (kept == "head" and "head fitted" in names),
        )
        for moment, names in sorted(named.items())
    ]


def kept_words(material: Material) -> str:
    """Which weights the classifier has, and why; empty for a run that is not finished."""
    kept = material.summary.get("kept") or {}
    if not kept:
        return ""
    name = kept_in_words(kept["checkpoint"], material.summary.get("steps", 0))
    return f"Kept: {name} ({kept['why']})." if kept["why"] != f"the {name} step" else f"Kept: {kept['why']}."


def _named_moments(material: Material, moments: list[Moment]) -> dict[Moment, list[str]]:
    """The telling ones of the moments, in order, each with its names."""
    named: dict[Moment, list[str]] = {}
    if not moments:
        return named
    named[moments[0]] = ["before training" if moments[0][0] == 0 else "first"]
    if (0, 1) in moments:
        named[0, 1] = ["head fitted"]
    if moments[-1] not in named:
        named[moments[-1]] = ["last"]
    best = next((moment for moment in moments if moment[0] == material.summary.get("best_step")), None)
    if best is not None:
        named.setdefault(best, []).append("best")
    return named


def hover_json(series: Sequence[Series], axes: Axes) -> str:
    """The numbers of a chart for the page's script, to five digits."""
    rows = [
        {
            "name": line.name,
            "points": [[_short(x), _short(y)] for x, y in zip(line.x, line.y, strict=True)],
        }
        for line in series
    ]
    document = {
        "x": axes.x_title,
        "domain": list(lines.x_domain(series, axes)),
        "log": axes.x_log,
        "percent": axes.y_format.endswith("%"),
        "series": rows,
    }
    return json.dumps(document, separators=(",", ":"))


def _curve(title: str, series: Sequence[Series], axes: Axes, caption: str) -> Curve | None:
    if len({step for line in series for step in line.x}) < 2:
        return None  # one moment makes no curve
    svg = to_svg(lines.line_chart(series, axes), prefix=title.lower().replace(" ", "-"))
    ends = ", ".join(f"{line.name} {_said(line.y[0], axes)} to {_said(line.y[-1], axes)}" for line in series)
    return Curve(
        title=title,
        caption=caption,
        alt=f"{title} against {axes.x_title}, from first to last: {ends}",
        svg=themed(svg),
        hover=hover_json(series, axes),
    )


def _by_moment(material: Material, split: str) -> dict[Moment, Mapping[str, Any]]:
    """The records of a split in their order."""
    found: dict[Moment, Mapping[str, Any]] = {}
    for row in material.metrics:
        if row.get("split") == split:
            count = sum(step == row["step"] for step, _ in found)
            found[row["step"], count] = row
    return found


def _measured(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    return number(row["loss"]) if row.get("accuracy") is None else percent(row["accuracy"])


def _shade_caption(validation_size: int | None) -> str:
    if not validation_size:
        return ""
    return f"Shade: 95 % interval for {some(validation_size, 'validation image')}."


def _said(value: float, axes: Axes) -> str:
    return percent(value) if axes.y_format.endswith("%") else number(value)


def _short(value: float) -> float:
    return float(f"{value:.5g}")
