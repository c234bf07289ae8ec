"""Which pixels a unit can see, for every layer of any network.

The image is followed through the operators that the network really runs (on the meta device, without values),
so that branches, sums, explicit paddings and poolings written as functions are all accounted for.
Source of the arithmetic: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
networks" (2019).
"""

from dataclasses import dataclass

from torch import Tensor, nn

from convscope.errors import ConvscopeError
from convscope.networks.following.axis_fields import AxisField, Lost, Place
from convscope.networks.following.image_tracking import ImageTracker
from convscope.networks.following.shapes import blank_images, visit_layers


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows `top` to `bottom` and columns `left` to `right`, the ends not included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """What the units of one layer see; each pair is (vertical, horizontal), in pixels of the image."""

    size: tuple[int, int]
    """Height and width of what one unit sees, parts beyond the border included."""

    stride: tuple[int, int]
    """From one unit's field to the next one's; 0 where all units see the same."""

    offset: tuple[int, int]
    """Where the field of unit (0, 0) starts; negative where it starts in the padding."""

    image_size: tuple[int, int]
    """Height and width of the image."""

    def box(self, row: int, column: int) -> Box:
        """The pixels that the unit at (row, column) sees, cut at the image's border.

        Without height or width if the unit sees nothing but padding.
        """
        top, bottom = self._interval(0, row)
        left, right = self._interval(1, column)
        return Box(top, left, bottom, right)

    def _interval(self, axis: int, unit: int) -> tuple[int, int]:
        start = self.offset[axis] + unit * self.stride[axis]
        end = start + self.size[axis]
        side = self.image_size[axis]
        return min(max(start, 0), side), min(max(end, 0), side)


def receptive_fields(network: nn.Module, image_shape: tuple[int, int, int]) -> dict[str, ReceptiveField]:
    """The receptive field of each module's output, by its name in `named_modules()`.

    `image_shape` is (C, H, W). A unit after a global pooling, a flattening or a fully connected layer sees
    all that the map before it sees. Of a module that is called more than once, the last call counts. Raises
    ConvscopeError, and says why, where the image cannot be followed (through attention, for one), and
    UsageError if the network cannot take such images.
    """
    followed = followed_fields(network, image_shape)
    fields: dict[str, ReceptiveField] = {}
    for name, field in followed.items():
        if isinstance(field, Lost):
            raise ConvscopeError(
                f"the receptive field of the layer {name} is not known: {field.reason}. "
                "A gradient with respect to the image shows what its units respond to"
            )
        fields[name] = field
    return fields


def followed_fields(
    network: nn.Module, image_shape: tuple[int, int, int]
) -> dict[str, ReceptiveField | Lost]:
    """As `receptive_fields`, with the reason in place of each field that is not known."""
    fields: dict[str, ReceptiveField | Lost] = {}
    images = blank_images(network, image_shape)
    tracker = ImageTracker(images)

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        place = tracker.place(output)
        if name and place is not None:
            fields[name] = place if isinstance(place, Lost) else _field(place, image_shape)

    visit_layers(network, images, visit, tracker)
    return fields


def _field(place: Place, image_shape: tuple[int, int, int]) -> ReceptiveField:
    image_size = image_shape[1:]
    vertical = _seen(place.vertical, image_size[0])
    horizontal = _seen(place.horizontal, image_size[1])
    return ReceptiveField(
        size=(vertical.size, horizontal.size),
        stride=(vertical.stride, horizontal.stride),
        offset=(vertical.offset, horizontal.offset),
        image_size=image_size,
    )


def _seen(field: AxisField, side: int) -> AxisField:
    """What all units see alike is given without the padding: the whole image is `side` pixels."""
    if field.stride:
        return field
    start, end = max(field.offset, 0), min(field.offset + field.size, side)
    return AxisField(size=end - start, stride=0, offset=start)
