"""Where the units of a tensor look in the image: the arithmetic of windows, sums and gatherings."""

from dataclasses import dataclass, replace
from functools import reduce


@dataclass(frozen=True)
class AxisField:
    """Along one axis unit i sees the `size` pixels that start at `offset + i·stride`."""

    size: int = 1
    stride: int = 1
    offset: int = 0

    def windowed(self, kernel_size: int, stride: int, padding: int = 0, dilation: int = 1) -> "AxisField":
        """After a window that slides over the units."""
        return AxisField(
            size=self.size + (kernel_size - 1) * dilation * self.stride,
            stride=self.stride * stride,
            offset=self.offset - padding * self.stride,
        )

    def gathered(self, units: int) -> "AxisField":
        """After anything that looks at all `units` at once: every unit then sees the same."""
        return AxisField(size=self.size + (units - 1) * self.stride, stride=0, offset=self.offset)

    def united(self, other: "AxisField", units: int) -> "AxisField":
        """After a sum: the smallest interval that holds what both see."""
        first, second = self, other
        if first.stride != second.stride:
            first, second = first.gathered(units), second.gathered(units)
        start = min(first.offset, second.offset)
        end = max(first.offset + first.size, second.offset + second.size)
        return AxisField(size=end - start, stride=first.stride, offset=start)


@dataclass(frozen=True)
class Place:
    """Where the units of a tensor look."""

    shape: tuple[int, ...]
    """Of the tensor."""

    vertical: AxisField = AxisField()
    horizontal: AxisField = AxisField()

    axes: tuple[int, int] | None = (-2, -1)
    """Which axes of the tensor, counted from the end, are the image's; None if no unit has its own place."""

    def windowed(
        self,
        shape: tuple[int, ...],
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
    ) -> "Place":
        """After a convolution or pooling whose output has this shape; pairs are (vertical, horizontal)."""
        rows, columns = zip(kernel_size, stride, padding, dilation, strict=True)
        vertical, horizontal = self.vertical.windowed(*rows), self.horizontal.windowed(*columns)
        return replace(self, shape=shape, vertical=vertical, horizontal=horizontal)

    def gathered(self, shape: tuple[int, ...], axes: tuple[int, int] | None) -> "Place":
        """After anything that looks at the whole map at once, and gives a tensor of this shape."""
        if self.axes is None:
            return replace(self, shape=shape)
        rows, columns = (self.shape[axis] for axis in self.axes)
        return Place(shape, self.vertical.gathered(rows), self.horizontal.gathered(columns), axes)

    def spread(self, shape: tuple[int, ...], axes: tuple[int, int] | None) -> "Place | None":
        """Repeated over the units of a larger tensor, as in broadcasting; None if it does not fit."""
        if self.axes is None or axes is None:
            return self.gathered(shape, axes)
        if self.axes != axes:
            return None
        repeated = [self.shape[axis] != shape[axis] for axis in axes]
        if any(self.shape[axis] != 1 and more for axis, more in zip(axes, repeated, strict=True)):
            return None
        vertical = self.vertical.gathered(1) if repeated[0] else self.vertical
        horizontal = self.horizontal.gathered(1) if repeated[1] else self.horizontal
        return Place(shape, vertical, horizontal, axes)


@dataclass(frozen=True)
class Lost:
    """A tensor that depends on the image in a way that is not followed."""

    reason: str

    axes: tuple[int, int] | None = None
    """Which of its axes are rows and columns all the same; None if that is lost too."""


def united(places: list[Place], shape: tuple[int, ...]) -> Place | Lost:
    """The place of a result of this shape, each unit of which is computed from the same unit of all."""
    layouts = {place.axes for place in places if place.axes is not None}
    if len(layouts) > 1:
        return Lost("maps with rows and columns on different axes meet")
    axes = next(iter(layouts), None)
    if axes is not None and len(shape) < -min(axes):
        return Lost(f"a map becomes a tensor of shape {shape}")
    spread = [place.spread(shape, axes) for place in places]
    fitting = [place for place in spread if place is not None]
    if len(fitting) < len(places):
        return Lost(f"a map of shape {places[0].shape} becomes one of shape {shape}")
    return reduce(_sum, fitting)


def _sum(first: Place, second: Place) -> Place:
    rows, columns = (1, 1) if first.axes is None else (first.shape[axis] for axis in first.axes)
    return replace(
        first,
        vertical=first.vertical.united(second.vertical, rows),
        horizontal=first.horizontal.united(second.horizontal, columns),
    )
