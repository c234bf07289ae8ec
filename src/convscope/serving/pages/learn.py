"""A guided tour of what a network does and how it learns, in the numbers of the reader's own run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from numpy.typing import NDArray

from convscope.errors import ConvscopeError
from convscope.runs.folder import NETWORK, SUMMARY, Run
from convscope.serving.kept import Kept, stamp
from convscope.serving.pages.rendering import render
from convscope.serving.pages.rows import Line, line_of, lines_of
from convscope.serving.workbench import Entry, Workbench
from convscope.wording import command, percent, rounded

if TYPE_CHECKING:
    from convscope.looking.lesson import Lesson

router = APIRouter(include_in_schema=False)

KEPT = 16
"""Tours whose numbers are kept: each is small, and takes a second to measure."""


@router.get("/runs/{run}/learn")
def learn(run: str, request: Request) -> HTMLResponse:
    """The tour, all its steps on one page; a script shows them one by one."""
    workbench: Workbench = request.app.state.workbench
    entry = workbench.find(run)
    lesson, why = None, ""
    if entry.listed.standing == "done":
        lessons: Kept[Lesson] = request.app.state.lessons
        try:
            key = (entry.run.path, stamp(entry.run.path, SUMMARY))
            lesson = lessons.get(key, lambda: _measure(workbench, entry))
        except ConvscopeError as error:
            why = str(error)
    return render(
        "learn.html",
        run=entry,
        tab="learn",
        line=line_of(entry),
        why=why,
        lesson=lesson,
        pictures=None if lesson is None else _pictures(lesson),
        learned=_learned(entry.run),
        images=_images(entry),
        linear=_linear(entry, lines_of(workbench)),
        fields=_receptive_fields(entry.run),
        other_optimizer=_again(entry.run, "--optimizer", "sgd"),
        other_network=_again(entry.run, "--network", "linear"),
        rounded=rounded,
        percent=percent,
    )


def _measure(workbench: Workbench, entry: Entry) -> Lesson:
    from convscope.looking.lesson import measure_lesson

    return measure_lesson(workbench.subject(entry.id))


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A number of a small table, and how deep its colour is, 0 to 1; blue below zero, red above."""

    said: str
    share: float
    is_negative: bool
    is_padding: bool = False


Grid = Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What the steps show, ready for the page.

    Attributes:
        image, map, pooled_map: data URIs.
        box: left, top, width and height of what the value reads, in per cent of the image.
        inputs, weights, products, corner, pool: the numbers.
    """

    image: str
    map: str = ""
    pooled_map: str = ""
    box: tuple[float, float, float, float] | None = None
    inputs: Grid = ()
    weights: Grid = ()
    products: Grid = ()
    corner: Grid = ()
    pool: Grid = ()


def _pictures(lesson: Lesson) -> Pictures:
    from convscope.report.page.embed import image_uri

    image = image_uri(np.moveaxis(np.asarray(lesson.image.pixels), 0, -1))
    found = lesson.convolution
    if found is None:
        return Pictures(image=image)
    window, corner = found.sum.windows[0], found.corner.windows[0]
    height, width = found.input_size
    rows, columns = window.inputs.shape
    return Pictures(
        image=image,
        map=_as_picture(found.map),
        pooled_map="" if lesson.pooled_map is None else _as_picture(lesson.pooled_map),
        box=(
            100 * found.sum.left / width,
            100 * found.sum.top / height,
            100 * ((columns - 1) * found.sum.spread[1] + 1) / width,
            100 * ((rows - 1) * found.sum.spread[0] + 1) / height,
        ),
        inputs=_grid(window.inputs, inside=found.sum.inside),
        weights=_grid(window.weights),
        products=_grid(window.products),
        corner=_grid(corner.inputs, inside=found.corner.inside),
        pool=()
        if lesson.pooled is None or lesson.pooled.inputs.size > 81
        else _grid(lesson.pooled.inputs, inside=lesson.pooled.inside),
    )


def _grid(values: NDArray[Any], inside: NDArray[np.bool_] | None = None) -> Grid:
    """Numbers to two digits after the point, or fewer where they are large."""
    largest = float(np.abs(values).max()) or 1.0
    decimals = 2 if largest < 100 else 0
    where = np.broadcast_to(np.ones((1, 1), dtype=bool) if inside is None else inside, values.shape)
    return [
        [
            Cell(
                said=f"{value:.{decimals}f}".replace("-", "−") if value else "0",
                share=round(abs(float(value)) / largest, 3),
                is_negative=bool(value < 0),
                is_padding=not is_inside,
            )
            for value, is_inside in zip(row, row_inside, strict=True)
        ]
        for row, row_inside in zip(values, where, strict=True)
    ]


def _as_picture(values: NDArray[np.float32]) -> str:
    """Blue below zero, white at zero, red above."""
    from convscope.report.page.embed import image_uri
    from convscope.report.palette import diverging

    return image_uri(diverging(values, float(np.abs(values).max())))


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What the record of training says.

    Attributes:
        before, first, last: of the validation split, before training, after it first was measured, and at
            the end: step and loss.
        chance: the loss of who knows nothing, ln of the number of classes; None for regression.
    """

    before: tuple[int, float] | None
    first: tuple[int, float] | None
    last: tuple[int, float] | None
    chance: float | None
    optimizer: str
    rate: float
    schedule: str


def _learned(run: Run) -> Learned | None:
    """None where the run keeps no record that can be read."""
    try:
        training = run.config.training
        summary = run.summary() or {}
    except ConvscopeError:
        return None
    points = [
        (int(row["step"]), float(row["loss"]))
        for row in run.metrics()
        if row.get("split") == "validation" and isinstance(row.get("loss"), float)
    ]
    points = [point for point in points if math.isfinite(point[1])]
    later = [point for point in points if point[0] > 0]
    return Learned(
        before=points[0] if points and points[0][0] == 0 else None,
        first=later[0] if later else None,
        last=later[-1] if len(later) > 1 else None,
        chance=(summary.get("untrained") or {}).get("chance_loss"),
        optimizer=training.optimizer,
        rate=training.learning_rate,
        schedule=training.schedule,
    )


def _images(entry: Entry) -> int:
    """On how many images the run's accuracy was measured."""
    found = entry.listed.figure("test") or entry.listed.figure("validation")
    return 0 if found is None else int(found[1].get("n") or 0)


def _linear(entry: Entry, lines: Sequence[Line]) -> Line | None:
    """The best finished linear network on the same data; None where there is none, or this is one."""
    if entry.listed.network == "linear":
        return None
    known = [each for line in lines for each in (line.lines or (line,))]
    fits = [
        each
        for each in known
        if (each.network, each.data, each.state) == ("linear", entry.listed.data, "done")
        and each.score is not None
    ]
    return max(fits, key=lambda each: each.score or 0.0, default=None)


def _receptive_fields(run: Run) -> list[tuple[str, str, int, int]]:
    """Of each layer that sees more than the one before: name, kind, rows and columns in pixels."""
    try:
        layers = run.read(NETWORK)["layers"] if run.has(NETWORK) else []
    except (ConvscopeError, KeyError):
        return []
    found: list[tuple[str, str, int, int]] = []
    for layer in layers:
        field = layer.get("receptive_field")
        if field and (not found or tuple(field) != found[-1][2:]):
            found.append((str(layer["name"]), str(layer["kind"]), int(field[0]), int(field[1])))
    return found if len(found) <= 12 else [*found[:6], *found[-6:]]


def _again(run: Run, flag: str, value: str) -> str:
    """The command for the same data with one thing changed."""
    try:
        source = str(run.read("config.json")["data"]["source"])
    except (ConvscopeError, KeyError, TypeError):
        source = "digits"
    return command("convscope", "train", source, flag, value)
