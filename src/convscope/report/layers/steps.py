"""A chain of arithmetic steps as a part of a page: grids of inputs, weights and products, and the sums."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from convscope.inspection.arithmetic.steps import (
    IMAGE,
    Bent,
    Combined,
    Normalised,
    Pooled,
    Scaled,
    Step,
    WeightedSum,
    Window,
)
from convscope.report.layers.numbers import exact, grey_colours, number_grid, short, signed_colours
from convscope.report.layers.views import Shades, StepView, TermView, WindowView
from convscope.wording import some

Link = Callable[[str, int, int, int], str]
"""From a layer, unit, row and column to an address; empty for none."""

_environment = Environment(
    loader=PackageLoader("convscope.report.layers", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_NAMES = {"relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "silu": "SiLU"}


Make = Callable[..., StepView]
"""Makes a view that knows its layer, place and value already."""


def steps_html(
    steps: Sequence[Step], shades: Shades, *, link: Link | None = None, asked: int | None = None
) -> Markup:
    """The steps as HTML, for a page that has `steps.css`.

    Args:
        steps: in the order in which they are computed.
        shades: of the image.
        link: where a layer's value leads to.
        asked: the place of the step that the reader asked for.
    """
    views = [_view(step, shades, link or _nowhere, place == asked) for place, step in enumerate(steps)]
    return Markup(_environment.get_template("steps.html.j2").render(steps=views))


def _nowhere(layer: str, unit: int, row: int, column: int) -> str:
    return ""


def place_words(step: Step) -> str:
    """`unit 3, row 10, column 12`."""
    return f"unit {step.unit}, row {step.row}, column {step.column}"


def _view(step: Step, shades: Shades, link: Link, is_asked: bool) -> StepView:
    make: Make = partial(
        StepView,
        layer=step.layer,
        where=place_words(step),
        link=link(step.layer, *step.place),
        value=short(step.value),
        exact=exact(step.value),
        is_asked=is_asked,
    )
    match step:
        case WeightedSum():
            return _weighted(step, shades, link, make)
        case Pooled():
            return _pooled(step, make)
        case Combined():
            word = "added, as a residual block does" if step.sign == "+" else "multiplied"
            first, second = step.parts
            return make(
                kind="sum of two layers" if step.sign == "+" else "product of two layers",
                says=f"What two layers give at this place is {word}.",
                equation=f"{exact(first.value)} {step.sign} {_bracketed(second.value)} = {exact(step.value)}",
                parts=[(part.layer, link(part.layer, *part.place), short(part.value)) for part in step.parts],
            )
        case Normalised():
            return make(
                kind="normalisation",
                says="Less the mean that training left, over the deviation; then the learned gain and shift.",
                equation=f"({exact(step.before)} − {_bracketed(step.mean)}) / {exact(step.deviation)} "
                f"× {_bracketed(step.gain)} + {_bracketed(step.shift)} = {exact(step.value)}",
            )
        case Bent():
            return _bent(step, make)
        case Scaled():
            return make(
                kind="scale",
                says="Times a constant of the network.",
                equation=f"{exact(step.before)} × {_bracketed(step.factor)} = {exact(step.value)}",
            )
        case _:
            raise TypeError(f"a {type(step).__name__} has no view")


def _weighted(step: WeightedSum, shades: Shades, link: Link, make: Make) -> StepView:
    is_map = step.inside.size > 1
    of = "channel" if step.source == IMAGE else "unit"
    largest = max((abs(window.sum) for window in step.windows), default=0.0) or 1.0
    others = step.units - len(step.windows)
    together = sum(window.sum for window in step.windows)
    added = [(_name(step, window.unit, shades), window.sum) for window in step.windows]
    added = added if is_map else [(f"the {len(step.windows)} shown" if others else "products", together)]
    added += [(some(others, f"other {of}"), step.rest)] if others else []
    added += [("bias", step.bias)] if step.has_bias else []
    read = f"{step.inside.shape[0]}×{step.inside.shape[1]} values" if is_map else "one value"
    plural = "s" if step.units > 1 else ""
    strongest = f", {len(step.windows)} of them shown" if others else ""
    says = (
        f"Reads {read} of {some(step.units, of)} of {step.source}{strongest}. "
        f"Input × weight, all added up{', and the bias' if step.has_bias else ''}."
    )
    outside = " Grey cells lie outside the map and count as 0." if not step.inside.all() else ""
    return make(
        kind=f"weighted sum over {step.units} {of}{plural}",
        says=says + outside,
        windows=[_window(step, window, shades, link) for window in step.windows] if is_map else [],
        terms=[] if is_map else [_term(step, window, shades, link, largest) for window in step.windows],
        addends=[_addend(number, name, place == 0) for place, (name, number) in enumerate(added)],
    )


def _addend(number: float, name: str, is_first: bool) -> tuple[str, str, str]:
    text = short(number)
    sign = "−" if text.startswith("−") else "" if is_first else "+"
    return sign, text.removeprefix("−"), name


def _name(step: WeightedSum, unit: int, shades: Shades) -> str:
    if step.source == IMAGE:
        return shades.channels[unit] if len(shades.channels) > 1 else IMAGE
    return f"{step.source} {unit}"


def _window(step: WeightedSum, window: Window, shades: Shades, link: Link) -> WindowView:
    name = _name(step, window.unit, shades)
    places = _places(step.inside.shape, step.top, step.left, step.spread)
    products = window.products
    triples = zip(*(each.ravel().tolist() for each in (window.inputs, window.weights, products)), strict=True)
    inside = step.inside.ravel()
    told = [
        f"row {row}, column {column}: {exact(value)} × {exact(weight)} = {exact(product)}"
        if there
        else f"row {row}, column {column}: outside, 0 × {exact(weight)} = 0"
        for (row, column), (value, weight, product), there in zip(places, triples, inside, strict=True)
    ]
    height, width = step.inside.shape
    if step.source == IMAGE:
        colours = grey_colours(window.inputs, shades.low[window.unit], shades.high[window.unit])
    else:
        colours = signed_colours(window.inputs)
    rows = f"rows {places[0][0]} to {places[-1][0]}, columns {places[0][1]} to {places[-1][1]}"
    return WindowView(
        name=name,
        link="" if step.source == IMAGE else link(step.source, window.unit, *_middle(step)),
        inputs=Markup(number_grid(window.inputs, colours, told, alt=f"{name}: {rows}", inside=step.inside)),
        weights=Markup(
            number_grid(
                window.weights,
                signed_colours(window.weights),
                told,
                alt=f"{height}×{width} weights for {name}",
            )
        ),
        products=Markup(
            number_grid(products, signed_colours(products), told, alt=f"products, {name}", inside=step.inside)
        ),
        sum=short(window.sum),
    )


def _middle(step: WeightedSum) -> tuple[int, int]:
    """Row and column of the window's middle, or of what of it lies in the map next to that."""
    rows, columns = np.nonzero(step.inside)
    middle = (np.array(step.inside.shape) - 1) / 2
    nearest = int(((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2).argmin())
    down, across = step.spread
    return step.top + down * int(rows[nearest]), step.left + across * int(columns[nearest])


def _places(shape: tuple[int, ...], top: int, left: int, spread: tuple[int, int]) -> list[tuple[int, int]]:
    rows, columns = shape
    return [
        (top + spread[0] * row, left + spread[1] * column) for row in range(rows) for column in range(columns)
    ]


def _term(step: WeightedSum, window: Window, shades: Shades, link: Link, largest: float) -> TermView:
    place = (window.unit, step.top, step.left)
    return TermView(
        name=_name(step, window.unit, shades),
        link="" if step.source == IMAGE else link(step.source, *place),
        input=short(float(window.inputs[0, 0])),
        weight=short(float(window.weights[0, 0])),
        product=short(window.sum),
        share=window.sum / largest,
    )


def _pooled(step: Pooled, make: Make) -> StepView:
    places = _places(step.inputs.shape, step.top, step.left, step.spread)
    told = [
        f"row {row}, column {column}: {exact(float(value))}"
        if there
        else f"row {row}, column {column}: outside"
        for (row, column), value, there in zip(places, step.inputs.ravel(), step.inside.ravel(), strict=True)
    ]
    values: NDArray[np.float32] = np.where(step.inside, step.inputs, 0)
    marked = None
    if step.how == "max":
        row, column = step.winner
        marked = (row - step.top) // step.spread[0], (column - step.left) // step.spread[1]
    height, width = step.inputs.shape
    says = f"The largest of {height}×{width} values of {step.source} goes on (framed)."
    if step.how == "mean":
        says = f"The mean of {height}×{width} values of {step.source}."
    grid = number_grid(
        values,
        signed_colours(values),
        told,
        alt=f"{height}×{width} values of {step.source}",
        inside=step.inside,
        marked=marked,
    )
    return make(
        kind="max-pooling" if step.how == "max" else "mean",
        says=says,
        grid=Markup(grid),
    )


def _bent(step: Bent, make: Make) -> StepView:
    name = _NAMES.get(step.function, step.function)
    formulas = {"relu": "max(0, {})", "relu6": "min(6, max(0, {}))"}
    formula = formulas.get(step.function, f"{name}({{}})").format(exact(step.before))
    says = "Bends the value."
    if step.function in formulas:
        above = step.function == "relu6" and step.before > 6
        passes = "What is positive passes unchanged." if step.before > 0 else "What is negative becomes 0."
        says = "What is above 6 becomes 6." if above else passes
    return make(
        kind=name,
        says=says,
        equation=f"{formula} = {exact(step.value)}",
    )


def _bracketed(value: float) -> str:
    text = exact(value)
    return f"({text})" if text.startswith("−") else text
