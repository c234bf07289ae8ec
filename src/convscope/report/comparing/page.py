"""A comparison as one file that opens offline."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

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


@dataclass(frozen=True, kw_only=True)
class Content:
    """A comparison as what other pages can show too.

    Attributes:
        names: of the sides, each another.
        sentences: the verdict of each comparison.
        remarks: what it would take to tell, and what was not asked.
        body: the sections on figures, cost and settings, as HTML.
        errors: the images that one side alone gets wrong, and those that all do; empty of folds and numbers.
    """

    names: Sequence[str]
    sentences: Sequence[str]
    remarks: Sequence[str]
    body: Markup
    errors: Sequence[OwnErrors]

    @property
    def title(self) -> str:
        """`a, b and c`."""
        return " and ".join([", ".join(self.names[:-1]), self.names[-1]])


def comparison_content(compared: Sequence[Compared]) -> Content:
    """Draw everything that a comparison shows."""
    sides = _sides(compared)
    names = names_of(sides)
    name_of = {id(side): name for side, name in zip(sides, names, strict=True)}
    body = (
        _environment()
        .get_template("figures.html.j2")
        .render(
            rows=[_row(each, name_of) for each in compared],
            corrected=len(compared) > 1,
            names=names,
            settings=_settings(compared, sides),
            costs=_costs(sides, names),
            chart=_chart(sides, names),
            notes=dict.fromkeys(note for each in compared for note in each.comparison.notes),
        )
    )
    return Content(
        names=names,
        sentences=[verdicts.sentence(each.comparison, each.adjusted) for each in compared],
        remarks=_remarks(compared),
        body=Markup(body),
        errors=_errors(sides, names),
    )


def render_images(errors: OwnErrors) -> Markup:
    """The images of one heading, as HTML."""
    return Markup(_environment().get_template("images.html.j2").render(own=errors))


def render_page(compared: Sequence[Compared]) -> str:
    """The page as one HTML document."""
    content = comparison_content(compared)
    images = [(own.heading, render_images(own)) for own in content.errors]
    template = _environment().get_template("comparison.html.j2")
    return template.render(light=LIGHT, dark=DARK, content=content, images=images)


def names_of(sides: Sequence[Side]) -> list[str]:
    """What the sides are called: by their folders, with the folder around where two have one name."""
    names = [side.name for side in sides]
    return [
        name if names.count(name) == 1 else f"{side.path.resolve().parent.name}/{name}"
        for side, name in zip(sides, names, strict=True)
    ]


@functools.cache
def _environment() -> Environment:
    return Environment(
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


def _sides(compared: Sequence[Compared]) -> list[Side]:
    """Each once, in their order."""
    found = {id(side): side for each in compared for side in each.comparison.sides}
    return list(found.values())


def _remarks(compared: Sequence[Compared]) -> list[str]:
    said = [text(each.comparison) for each in compared for text in (verdicts.needs, verdicts.about_recipes)]
    return list(dict.fromkeys(each for each in said if each))


def _row(compared: Compared, name_of: Mapping[int, str]) -> Row:
    comparison = compared.comparison
    found, loss = comparison.difference, comparison.log_loss
    changed = verdicts.amount(comparison, found.value, signed=True)
    test = verdicts.p_words(found.p_value)
    if compared.adjusted is not None:
        test += f"; Holm {rounded(compared.adjusted, 2)}"
    one, other = (_value(comparison, value) for value in comparison.values)
    return Row(
        first=name_of[id(comparison.sides[0])],
        second=name_of[id(comparison.sides[1])],
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


def _costs(sides: Sequence[Side], names: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Name, seconds, parameters and training images of each side."""
    return [
        (
            name,
            duration(side.seconds),
            "–" if side.first.parameters is None else f"{side.first.parameters:,}",
            "–" if side.first.training_images is None else f"{side.first.training_images:,}",
        )
        for side, name in zip(sides, names, strict=True)
    ]


def _chart(sides: Sequence[Side], names: Sequence[str]) -> str:
    """The Pareto chart; empty where seconds or accuracies are not known."""
    costs = [cost for cost in map(_cost, sides, names) if cost is not None]
    if len(costs) < len(sides):
        return ""
    return themed(to_svg(pareto_chart(costs), "pareto"))


def _cost(side: Side, name: str) -> Cost | None:
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
    return Cost(name=name, seconds=side.seconds, accuracy=value, interval=interval)


def _errors(sides: Sequence[Side], names: Sequence[str]) -> list[OwnErrors]:
    if any(side.kind == "folds" or side.is_regression for side in sides):
        return []
    return own_errors(sides, names)
