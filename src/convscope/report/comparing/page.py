"""A comparison as one file that opens offline."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from convscope.comparison import verdicts
from convscope.comparison.comparing import Comparison
from convscope.comparison.several import Compared
from convscope.comparison.sides import Side
from convscope.errors import RunError
from convscope.evaluation.proportion import MeanOverRuns
from convscope.report.charts.pareto import Cost, pareto_chart
from convscope.report.charts.vector import to_svg
from convscope.report.comparing.images import OwnErrors, own_errors
from convscope.report.palette import DARK, LIGHT, themed
from convscope.runs import atomic
from convscope.wording import between, duration, here, percent, rounded


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison in the table."""

    first: str
    second: str
    values: tuple[str, str]
    difference: str
    log_loss: str
    test: str
    verdict: str


def write_page(path: Path, compared: Sequence[Compared]) -> Path:
    """Write the page, whole or not at all.

    Raises:
        RunError: the disk refuses.
    """
    content = render_page(compared).encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(path, content)
    except OSError as error:
        raise RunError(f"{here(path)} could not be written: {error.strerror or error}") from error
    return path


def render_page(compared: Sequence[Compared]) -> str:
    """The page as one HTML document."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("convscope.report.comparing", "templates"),
                PackageLoader("convscope.report.page", "templates"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sides = _sides(compared)
    return environment.get_template("comparison.html.j2").render(
        light=LIGHT,
        dark=DARK,
        title=" and ".join([", ".join(side.name for side in sides[:-1]), sides[-1].name]),
        sentences=[verdicts.sentence(each.comparison, each.adjusted) for each in compared],
        remarks=_remarks(compared),
        rows=[_row(each) for each in compared],
        corrected=len(compared) > 1,
        names=[side.name for side in sides],
        settings=_settings(compared, sides),
        costs=_costs(sides),
        chart=_chart(sides),
        errors=_errors(sides),
        notes=dict.fromkeys(note for each in compared for note in each.comparison.notes),
    )


def _sides(compared: Sequence[Compared]) -> list[Side]:
    """Each once, in their order."""
    found = {id(side): side for each in compared for side in each.comparison.sides}
    return list(found.values())


def _remarks(compared: Sequence[Compared]) -> list[str]:
    said = [text(each.comparison) for each in compared for text in (verdicts.needs, verdicts.about_recipes)]
    return list(dict.fromkeys(each for each in said if each))


def _row(compared: Compared) -> Row:
    comparison = compared.comparison
    found, loss = comparison.difference, comparison.log_loss
    changed = verdicts.amount(comparison, found.value, signed=True)
    test = verdicts.p_words(found.p_value)
    if compared.adjusted is not None:
        test += f"; Holm {rounded(compared.adjusted, 2)}"
    one, other = (_value(comparison, value) for value in comparison.values)
    return Row(
        first=comparison.sides[0].name,
        second=comparison.sides[1].name,
        values=(one, other),
        difference=f"{changed} ({verdicts.ends(comparison, found.interval)})",
        log_loss="" if loss is None else f"{_signed(loss.value)} ({between(*loss.interval)})",
        test=test,
        verdict=verdicts.word(comparison, compared.adjusted),
    )


def _value(comparison: Comparison, value: float) -> str:
    return rounded(value) if comparison.is_regression else percent(value, 2)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + rounded(value)


def _settings(compared: Sequence[Compared], sides: Sequence[Side]) -> list[tuple[str, list[str]]]:
    """Field by field the value of each side; only those that differ."""
    known: dict[str, dict[int, Any]] = {}
    for each in compared:
        for setting in each.comparison.settings:
            for side, value in zip(each.comparison.sides, setting.values, strict=True):
                known.setdefault(setting.field, {})[id(side)] = value
    rows = []
    for field, values in known.items():
        # A side that is in no pair that differs has the value of its partners there.
        rows.append((field.replace("_", " "), [_said(values.get(id(side))) for side in sides]))
    return rows


def _said(value: Any) -> str:
    return "–" if value is None else "yes" if value is True else "no" if value is False else str(value)


def _costs(sides: Sequence[Side]) -> list[tuple[str, str, str, str]]:
    """Name, seconds, parameters and training images of each side."""
    return [
        (
            side.name,
            duration(side.seconds),
            "–" if side.first.parameters is None else f"{side.first.parameters:,}",
            "–" if side.first.training_images is None else f"{side.first.training_images:,}",
        )
        for side in sides
    ]


def _chart(sides: Sequence[Side]) -> str:
    """The Pareto chart; empty where seconds or accuracies are not known."""
    costs = [cost for cost in map(_cost, sides) if cost is not None]
    if len(costs) < len(sides):
        return ""
    return themed(to_svg(pareto_chart(costs), "pareto"))


def _cost(side: Side) -> Cost | None:
    if side.is_regression or not side.seconds:
        return None
    shares = [each.accuracy for member in side.members for each in member.judged]
    if len(shares) == 1:
        value, interval = shares[0].value, shares[0].interval
    else:
        values = tuple(each.value for each in shares)
        folds = side.first.config.data.folds
        mean = (
            MeanOverRuns.of_folds(values, folds, is_share=True)
            if folds
            else MeanOverRuns(values, is_share=True)
        )
        value, interval = mean.mean, mean.interval
        if interval[0] != interval[0]:
            interval = (value, value)
    return Cost(name=side.name, seconds=side.seconds, accuracy=value, interval=interval)


def _errors(sides: Sequence[Side]) -> list[OwnErrors]:
    if any(side.kind == "folds" or side.is_regression for side in sides):
        return []
    return list(itertools.chain(own_errors(sides)))
