"""Looking in a notebook: `cs.look(run).filters("conv1")` shows itself."""

from functools import cached_property
from pathlib import Path

from convscope.errors import UsageError
from convscope.report.looking.filters import filters_of
from convscope.report.looking.histograms import Signals, histograms_of, measure_signals, signal_of
from convscope.report.looking.maps import maps_of
from convscope.report.looking.mistakes import errors_of
from convscope.report.looking.patches import (
    UNITS,
    UNITS_PROJECTED,
    Excitation,
    find_excitation,
    patches_of,
    projection_of,
)
from convscope.report.looking.plan import Plan, make_plan, telling_images, telling_units
from convscope.report.looking.plane import hidden_values_of, plane_of
from convscope.report.looking.subject import ImageChoice, Subject, open_subject
from convscope.report.looking.wants import class_wants, wants_of
from convscope.report.looking.where import cases_for, where_of
from convscope.report.pictures.notebook import Picture


class Look:
    """What the network of a run has learned. Each method returns a picture that shows itself.

    A picture has `.array`, the numbers that were drawn, and `.save("x.png")` or `.save("x.svg")`. Images are
    given as a file, a PIL image, or the number of a test image. A wrong layer, unit or class raises
    UsageError with the valid ones.
    """

    def __init__(self, run: Path, checkpoint: str = "final") -> None:
        self._subject: Subject = open_subject(run, checkpoint)
        self._found: dict[str, Excitation] = {}

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self._subject)

    @cached_property
    def _signals(self) -> Signals:
        return measure_signals(self._subject, self._plan)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers; the default of each method is a telling one."""
        return tuple(name for name, _ in self._subject.network.named_modules() if name)

    def filters(self, layer: str | None = None, channel: int | None = None) -> Picture:
        """The weights of a convolution (the first unless named), largest first."""
        return filters_of(self._subject, layer or self._first(self._plan.filters), channel).picture

    def maps(self, layer: str | None = None, image: ImageChoice | None = None) -> Picture:
        """What a layer's units give for one image, strongest first."""
        looked = self._subject.pick(self._telling_image() if image is None else image)
        return maps_of(self._subject, layer or self._first(self._plan.layers), looked).picture

    def histograms(self) -> Picture:
        """The values before each non-linearity, the logits and the probabilities."""
        return histograms_of(self._subject, self._signals).picture

    def signal(self) -> Picture:
        """The standard deviation of the values, layer by layer."""
        return signal_of(self._signals).picture

    def patches(self, layer: str | None = None, limit: int | None = None) -> Picture:
        """The nine training patches that excite each of a layer's most telling units."""
        return patches_of(self._subject, self._excitation(layer, limit)).picture

    def projection(self, layer: str | None = None, limit: int | None = None) -> Picture:
        """Those patches, and beside each what in it excites the unit."""
        excitation = self._excitation(layer, limit).of_first_units(UNITS_PROJECTED)
        return projection_of(self._subject, excitation).picture

    def where(self, image: ImageChoice, class_name: str | None = None) -> Picture:
        """Where in an image the network looks, for the predicted class and for another."""
        looked = self._subject.pick(image)
        cases = cases_for(self._subject, [looked], class_name)
        return where_of(self._subject, cases, title=f"Where it looks in {looked.name}").picture

    def wants(self, layer: str | None = None, unit: int | None = None) -> Picture:
        """An image made to excite a unit; without a unit a few; without a layer each class's score."""
        if layer is None:
            return class_wants(self._subject, is_heavy=self._plan.is_heavy).picture
        units = telling_units(self._subject, [layer], UNITS_PROJECTED)[layer] if unit is None else (unit,)
        return wants_of(self._subject, layer, units, is_heavy=self._plan.is_heavy).picture

    def plane(self, method: str = "pca") -> Picture:
        """The test images as points in two dimensions: `pca` or `t-sne`."""
        if method not in ("pca", "t-sne"):
            raise UsageError(f"there is no method '{method}': choose pca or t-sne")
        hidden, labels = hidden_values_of(self._subject)
        return plane_of(self._subject, hidden, labels, "pca" if method == "pca" else "t-sne").picture

    def errors(self, n: int = 9) -> Picture:
        """The test images that it gets most wrong, with their true and their predicted class."""
        return errors_of(self._subject, n)

    def _excitation(self, layer: str | None, limit: int | None) -> Excitation:
        name = layer or self._first(self._plan.layers)
        key = f"{name} {limit}"
        if key not in self._found:
            units = telling_units(self._subject, [name], UNITS)
            self._found[key] = find_excitation(self._subject, units, limit)[name]
        return self._found[key]

    def _telling_image(self) -> int:
        cases = telling_images(self._subject, 1)
        return (cases.right or cases.wrong)[0]

    @staticmethod
    def _first(layers: tuple[str, ...]) -> str:
        if not layers:
            raise UsageError("the network has no convolution; name another layer")
        return layers[0]
