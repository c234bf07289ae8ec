"""What the page Network shows: the diagram, a layer's filters and maps, one value's arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from convscope.classifier.prediction import chance
from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.arithmetic.explaining import explain
from convscope.inspection.arithmetic.steps import IMAGE
from convscope.inspection.arithmetic.trace import Trace, TracedLayer
from convscope.inspection.filters import layer_filters
from convscope.inspection.layers import convolution_layers
from convscope.looking.patches import project_excitation
from convscope.looking.subject import SPLIT_NAMES, Looked
from convscope.report.layers.diagram import grouped, layer_diagram
from convscope.report.layers.pixels import filter_uri, image_uri, map_uri, signal_uri
from convscope.report.layers.steps import steps_html
from convscope.serving.lens.lens import Lens
from convscope.wording import rounded, some

MOST_TILES = 64
"""Units of a layer that are shown unless all are asked for."""
MOST_WINDOWS = 5
"""Units of the input that are shown one by one in a sum over maps."""
SIDE = 320
"""Pixels of a map that is shown large, about."""


@dataclass(frozen=True, kw_only=True)
class ImageView:
    """The image at hand."""

    number: int
    total: int
    split: str
    uri: str
    name: str
    label: str
    answer: str
    probability: str
    is_right: bool


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A unit: its filter, where it has one, and its map."""

    unit: int
    address: str
    map: str
    filter: str
    strongest: str
    is_silent: bool


@dataclass(frozen=True, kw_only=True)
class LayerView:
    """A layer for the image at hand."""

    name: str
    kind: str
    facts: Sequence[tuple[str, str]]
    beside: Sequence[tuple[str, str, str]]
    """The layers of its group: name, address, kind."""
    tiles: Sequence[Tile]
    units: int
    is_flat: bool
    scale: str


@dataclass(frozen=True, kw_only=True)
class PixelView:
    """One value of a unit's map."""

    unit: int
    row: int
    column: int
    rows: int
    columns: int
    map: str
    width: int
    height: int
    scale: str
    """The least and the greatest of the map's own values."""
    value: str
    box: tuple[int, int, int, int] | None
    """Of the image, what the value sees: left, top, width, height."""
    steps: Markup
    before: str
    after: str
    """Addresses of the units before and after; empty for none."""


@dataclass(frozen=True, kw_only=True)
class PatchView:
    """A patch that excites a unit, and what in it does."""

    patch: str
    signal: str
    label: str
    value: str


class NetworkView:
    """The page of one run for one image."""

    def __init__(self, lens: Lens, base: str, number: int) -> None:
        """
        Args:
            lens: of the run.
            base: the page's address.
            number: of the image in the split that the run is judged on.
        """
        self._lens, self._base, self.number = lens, base, number
        self._looked: Looked = lens.subject.pick(number)
        self.trace: Trace = lens.trace(self._looked.pixels)

    def address(self, layer: str = "", unit: int | None = None, **state: int) -> str:
        """Of a state of the page: a layer, a unit, and in the query the image, the row and the column."""
        path = self._base + (f"/{quote(layer, safe='')}" if layer else "")
        path += "" if unit is None else f"/{unit}"
        return f"{path}?{urlencode({'image': self.number, **state})}"

    @property
    def image(self) -> ImageView:
        """The image at hand, and what the network says of it."""
        subject, looked = self._lens.subject, self._looked
        (said,) = self._lens.classifier.predict_pixels([looked.pixels], [looked.name])
        label = "" if looked.label is None else subject.class_names[looked.label]
        return ImageView(
            number=self.number,
            total=len(subject.judging),
            split=SPLIT_NAMES[subject.judging_split],
            uri=image_uri(np.asarray(looked.pixels.numpy(), dtype=np.uint8)),
            name=looked.name,
            label=label,
            answer=said.class_name,
            probability="" if said.value is not None else chance(said.probability),
            is_right=not label or label == said.class_name,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self._lens.subject.image_shape[1], self._lens.subject.image_shape[2]

    def diagram(self, chosen: str = "") -> Markup:
        """The layers in their shapes."""
        return layer_diagram(grouped(self.trace.layers), lambda name: self.address(name), chosen)

    def layer(self, name: str, *, is_whole: bool = False) -> LayerView:
        """A layer's filters and its maps for the image; the strongest 64 units unless all are asked for."""
        found = self._found(name)
        values = self.trace.values(found.name).numpy()
        strongest = values.max(axis=(1, 2))
        order = np.argsort(-strongest, kind="stable")
        shown = order if is_whole else order[:MOST_TILES]
        low, high = float(values.min()), float(values.max())
        filters = self._filters(found, shown)
        group = next(each for each in grouped(self.trace.layers) if found in each.layers)
        return LayerView(
            name=found.name,
            kind=found.kind,
            facts=self._facts(found),
            beside=[(each.name, self.address(each.name), each.kind) for each in group.layers],
            tiles=[
                Tile(
                    unit=unit,
                    address=self.address(found.name, unit),
                    map=map_uri(values[unit], low, high),
                    filter=filters.get(unit, ""),
                    strongest=rounded(float(strongest[unit]), 3),
                    is_silent=low >= 0 and strongest[unit] <= 0,
                )
                for unit in shown.tolist()
            ],
            units=len(values),
            is_flat=values.shape[1:] == (1, 1),
            scale=f"from {rounded(low, 3)} to {rounded(high, 3)}"
            + ("" if values.shape[1:] == (1, 1) else ", one scale for all"),
        )

    def pixel(self, name: str, unit: int, row: int | None, column: int | None) -> PixelView:
        """The arithmetic of one value; of the strongest of the unit unless a place is given.

        Raises:
            UsageError: for a layer, unit or place that there is not.
        """
        found = self._found(name)
        values = self.trace.values(found.name).numpy()
        if not 0 <= unit < len(values):
            raise UsageError(f"{found.name} has no unit {unit}: there are {len(values)}, counted from 0")
        if row is None or column is None:
            row, column = (int(each) for each in np.unravel_index(values[unit].argmax(), values[unit].shape))
        reckoned = explain(self.trace, found.name, unit, row, column, most=MOST_WINDOWS)
        rows, columns = values.shape[1:]
        enlarged = max(1, SIDE // max(rows, columns))
        low, high = float(values[unit].min()), float(values[unit].max())
        return PixelView(
            unit=unit,
            row=row,
            column=column,
            rows=rows,
            columns=columns,
            map=map_uri(values[unit], low, high),
            width=columns * enlarged,
            height=rows * enlarged,
            scale=f"from {rounded(low, 3)} to {rounded(high, 3)}",
            value=rounded(reckoned.value, 5),
            box=self._box(found.name, row, column),
            steps=steps_html(reckoned.steps, self._lens.shades, link=self._link, asked=reckoned.asked),
            before=self.address(found.name, unit - 1, row=row, column=column) if unit else "",
            after=self.address(found.name, unit + 1, row=row, column=column)
            if unit + 1 < len(values)
            else "",
        )

    def patches(self, name: str, unit: int) -> tuple[list[PatchView], str]:
        """What excites a unit most in training images, and where that is from, or why there is nothing."""
        subject, found = self._lens.subject, self._found(name)
        try:
            excited = self._lens.excitation(found.name).of_unit(unit)
            with self._lens.looking:
                projected = project_excitation(subject, excited)
        except ConvscopeError as error:
            return [], str(error)
        patches = excited.patches
        views = []
        for rank, value in enumerate(patches.values[0].tolist()):
            if value <= 0:
                break
            label = subject.class_names[int(excited.classes[0, rank])] if excited.classes.size else ""
            views.append(
                PatchView(
                    patch=image_uri(patches.patch(0, rank)),
                    signal=signal_uri(projected.projections.pixels[0][rank]),
                    label=label,
                    value=rounded(value, 3),
                )
            )
        searched = f"Of {some(patches.seen, 'training image')}"
        if not views:
            return [], f"{searched} none excites it: its values are never above 0."
        how = "deconvnet" if not projected.reason else f"guided backpropagation: {projected.reason}"
        return views, f"{searched}, one patch an image, the strongest first. Grey: what in it does ({how})."

    def _found(self, name: str) -> TracedLayer:
        at = self.trace.nodes[self.trace.find(name)].name
        if at == IMAGE:
            raise UsageError("the image is no layer: choose one behind it")
        return next(layer for layer in self.trace.layers if layer.name == at)

    def _link(self, layer: str, unit: int, row: int, column: int) -> str:
        return "" if layer == IMAGE else self.address(layer, unit, row=row, column=column)

    def _box(self, layer: str, row: int, column: int) -> tuple[int, int, int, int] | None:
        field = self._lens.fields.get(layer) or self._lens.fields.get(layer.rpartition(".")[0])
        if field is None:
            return None
        box = field.box(row, column)
        return box.left, box.top, box.right - box.left, box.bottom - box.top

    def _facts(self, found: TracedLayer) -> list[tuple[str, str]]:
        facts = [("gives", f"{'×'.join(map(str, found.shape))} values")]
        summary = self._lens.summaries.get(found.name)
        if summary is not None and summary.weights:
            biases = f" and {summary.biases:,} biases" if summary.biases else ""
            facts.append(("weights", f"{summary.weights:,}{biases}"))
        field = self._lens.fields.get(found.name)
        if field is not None:
            facts.append(("each value sees", f"{field.size[0]}×{field.size[1]} pixels"))
        return facts

    def _filters(self, found: TracedLayer, units: NDArray[np.int64]) -> dict[int, str]:
        """Of a convolution with kernels that can be drawn: in colour, or for the unit's strongest channel."""
        if found.kind != "convolution" or found.name not in convolution_layers(self._lens.subject.network):
            return {}
        filters = layer_filters(self._lens.subject.network, found.name)
        if filters.weights.shape[2:] == (1, 1):
            return {}
        drawn: dict[int, str] = {}
        for unit in units.tolist():
            weights = filters.weights[unit]
            if len(weights) != 3:
                weights = weights[np.square(weights).sum(axis=(1, 2)).argmax()]
            drawn[unit] = filter_uri(weights, filters.scale)
        return drawn
