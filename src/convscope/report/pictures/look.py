"""Looking in a notebook: `cs.look(run).filters("conv1")` shows itself."""

from functools import cached_property
from pathlib import Path

from convscope.errors import UsageError
from convscope.looking.asking import SeenCases
from convscope.looking.filters import see_filters
from convscope.looking.maps import see_maps
from convscope.looking.mistakes import SeenErrors, see_errors
from convscope.looking.patches import UNITS, UNITS_PROJECTED, Excitation, find_excitation, project_excitation
from convscope.looking.plan import Plan, make_plan, telling_images, telling_units
from convscope.looking.plane import hidden_values_of, see_plane
from convscope.looking.signals import Signals, measure_signals
from convscope.looking.subject import ImageChoice, Subject, open_subject
from convscope.looking.wants import see_class_wants, see_unit_wants
from convscope.looking.where import cases_for, see_where
from convscope.report.pictures.filters import draw_filters
from convscope.report.pictures.grids import image_grid
from convscope.report.pictures.maps import draw_maps
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.patches import draw_patches, draw_projection
from convscope.report.pictures.plane import draw_plane
from convscope.report.pictures.signals import draw_histograms, draw_signal
from convscope.report.pictures.wants import draw_wants
from convscope.report.pictures.where import draw_where


class Look:
    """What the network of a run has learned. Each method returns a picture that shows itself.

    A picture has `.array`, the numbers that were drawn, and `.save("x.png")` or `.save("x.svg")`. Images are
    given as a file, a PIL image, or the number of a test image (of a validation or training image where the
    run kept no test images apart). A wrong layer, unit or class raises
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
        return draw_filters(
            see_filters(self._subject, layer or self._first(self._plan.filters), channel)
        ).picture

    def maps(self, layer: str | None = None, image: ImageChoice | None = None) -> Picture:
        """What a layer's units give for one image, strongest first."""
        looked = self._subject.pick(self._telling_image() if image is None else image)
        seen = see_maps(self._subject, layer or self._first(self._plan.layers), looked)
        return draw_maps(self._subject, seen).picture

    def histograms(self) -> Picture:
        """The values before each non-linearity, the logits and the probabilities."""
        return draw_histograms(self._signals).picture

    def signal(self) -> Picture:
        """The standard deviation of the values, layer by layer."""
        return draw_signal(self._signals).picture

    def patches(self, layer: str | None = None, limit: int | None = None) -> Picture:
        """The nine training patches that excite each of a layer's most telling units."""
        return draw_patches(self._excitation(layer, limit)).picture

    def projection(self, layer: str | None = None, limit: int | None = None) -> Picture:
        """Those patches, and beside each what in it excites the unit."""
        excitation = self._excitation(layer, limit).of_first_units(UNITS_PROJECTED)
        return draw_projection(project_excitation(self._subject, excitation)).picture

    def where(self, image: ImageChoice, class_name: str | None = None) -> Picture:
        """Where in an image the network looks, for the predicted class and for another."""
        looked = self._subject.pick(image)
        cases = cases_for(self._subject, [looked], class_name)
        return draw_where(SeenCases(why="chosen", seen=see_where(self._subject, cases))).picture

    def wants(self, layer: str | None = None, unit: int | None = None) -> Picture:
        """An image made to excite a unit; without a unit a few; without a layer each class's score."""
        if layer is None:
            return draw_wants(see_class_wants(self._subject, is_heavy=self._plan.is_heavy)).picture
        units = telling_units(self._subject, [layer], UNITS_PROJECTED)[layer] if unit is None else (unit,)
        seen = see_unit_wants(self._subject, layer, units, is_heavy=self._plan.is_heavy)
        return draw_wants(seen).picture

    def plane(self, method: str = "pca") -> Picture:
        """The images that it is judged on as points in two dimensions: `pca` or `t-sne`."""
        if method not in ("pca", "t-sne"):
            raise UsageError(f"there is no method '{method}': choose pca or t-sne")
        hidden, labels = hidden_values_of(self._subject)
        seen = see_plane(self._subject, hidden, labels, "pca" if method == "pca" else "t-sne")
        return draw_plane(seen, self._subject.class_names).picture

    def errors(self, n: int = 9) -> Picture:
        """Of the images that it is judged on those that it gets most wrong, with both their classes."""
        return _draw_errors(see_errors(self._subject, n))

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


def _draw_errors(seen: SeenErrors) -> Picture:
    """The images with their true class and the one that they were taken for, the worst first."""
    said = ", ".join(f"{a} taken for {b}" for a, b in zip(seen.true, seen.predicted, strict=True))
    return Picture(
        array=seen.pixels,
        drawing=image_grid(seen.pixels, seen.true, seen.predicted),
        alt=f"The worst errors: {said}",
    )
