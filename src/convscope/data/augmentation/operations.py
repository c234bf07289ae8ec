"""The operations that an augmentation may hold: frozen dataclasses, each with one strength.

A strength of 0 does nothing. Every image of a batch gets its own draw. The order in which operations are
applied is fixed (exact pixel moves, geometry, blur, colour, noise, erasing, mixing of images), whatever the
order they were given in.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from convscope.errors import UsageError

Kind = TypeVar("Kind")


def _allowed(low: float, high: float) -> dict[str, tuple[float, float]]:
    return {"range": (low, high)}


class _Checked:
    """Checks the strength against its field's range, once, when the operation is made."""

    def __post_init__(self) -> None:
        field = strength_field(type(self))
        value = getattr(self, field.name)
        low, high = field.metadata["range"]
        whole = field.type is int
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise UsageError(
                f"augmentation: {operation_name(type(self))}={value!r} is not allowed; "
                f"{field.name} is {kind} from {low:g} to {high:g}"
            )


@dataclass(frozen=True)
class FlipHorizontal(_Checked):
    """Mirror left and right with this probability. Exact copies of pixels."""

    probability: float = dataclasses.field(default=0.5, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class FlipVertical(_Checked):
    """Mirror top and bottom with this probability. Exact copies of pixels."""

    probability: float = dataclasses.field(default=0.5, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class QuarterTurns(_Checked):
    """Turn with this probability by 90, 180 or 270 degrees; images that are not square only by 180.

    The default makes all four positions equally likely. Exact copies of pixels.
    """

    probability: float = dataclasses.field(default=0.75, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class PadAndCrop(_Checked):
    """Move by a whole number of pixels, up to this many each way. Exact copies of pixels.

    The same as padding by reflection (the edge itself is not repeated), or by the edge with edge-padding, and
    cropping at random.
    """

    pixels: int = dataclasses.field(default=4, metadata=_allowed(0, 64))


@dataclass(frozen=True)
class EdgePadding(_Checked):
    """What lies beyond the image is its edge pixel, repeated; without this, the image mirrored.

    Right where the edge is plain background: mirrored strokes would come back as strange dots.
    """

    on: int = dataclasses.field(default=1, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Shift(_Checked):
    """Move by up to this share of the width and of the height, each way."""

    fraction: float = dataclasses.field(default=0.1, metadata=_allowed(0, 0.5))


@dataclass(frozen=True)
class Rotate(_Checked):
    """Turn about the centre by up to this many degrees, either way."""

    degrees: float = dataclasses.field(default=10.0, metadata=_allowed(0, 180))


@dataclass(frozen=True)
class Zoom(_Checked):
    """Enlarge or shrink by a factor from 1 / (1 + strength) to 1 + strength, evenly on a log scale."""

    strength: float = dataclasses.field(default=0.1, metadata=_allowed(0, 4))


@dataclass(frozen=True)
class Perspective(_Checked):
    """Tilt the image plane: distances at the edges change by up to this share."""

    strength: float = dataclasses.field(default=0.2, metadata=_allowed(0, 0.45))


@dataclass(frozen=True)
class Blur(_Checked):
    """Gaussian blur with a standard deviation of up to this many pixels."""

    pixels: float = dataclasses.field(default=1.0, metadata=_allowed(0, 10))


@dataclass(frozen=True)
class Brightness(_Checked):
    """Multiply all values by a factor from 1 - strength to 1 + strength."""

    strength: float = dataclasses.field(default=0.2, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Contrast(_Checked):
    """Multiply the distance from the image's mean grey by a factor from 1 - strength to 1 + strength."""

    strength: float = dataclasses.field(default=0.2, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Saturation(_Checked):
    """Multiply the distance from each pixel's grey by a factor from 1 - strength to 1 + strength."""

    strength: float = dataclasses.field(default=0.2, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Hue(_Checked):
    """Turn the colour circle by up to this share of a full turn, either way; brightness stays."""

    turn: float = dataclasses.field(default=0.05, metadata=_allowed(0, 0.5))


@dataclass(frozen=True)
class Noise(_Checked):
    """Add Gaussian noise with a standard deviation of up to this much, on the scale black 0, white 1."""

    strength: float = dataclasses.field(default=0.05, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Erase(_Checked):
    """With this probability, paint a rectangle of 2 to 25 % of the area in the image's mean colour.

    Random erasing (Zhong et al. 2017), aspect ratio 0.3 to 3.3.
    """

    probability: float = dataclasses.field(default=0.25, metadata=_allowed(0, 1))


@dataclass(frozen=True)
class Mixup(_Checked):
    """Blend each image and its label with another's; the share is drawn from Beta(alpha, alpha).

    Zhang et al. 2017. Labels become shares of the classes.
    """

    alpha: float = dataclasses.field(default=0.2, metadata=_allowed(0, 100))


@dataclass(frozen=True)
class Cutmix(_Checked):
    """Paste a rectangle of another image; its area is drawn from Beta(alpha, alpha), labels share by area.

    Yun et al. 2019. With mixup too, each image gets one of the two, half and half.
    """

    alpha: float = dataclasses.field(default=1.0, metadata=_allowed(0, 100))


Operation = (
    FlipHorizontal
    | FlipVertical
    | QuarterTurns
    | PadAndCrop
    | EdgePadding
    | Shift
    | Rotate
    | Zoom
    | Perspective
    | Blur
    | Brightness
    | Contrast
    | Saturation
    | Hue
    | Noise
    | Erase
    | Mixup
    | Cutmix
)

OPERATIONS: dict[str, type[Operation]] = {
    "flip-horizontal": FlipHorizontal,
    "flip-vertical": FlipVertical,
    "quarter-turns": QuarterTurns,
    "pad-and-crop": PadAndCrop,
    "edge-padding": EdgePadding,
    "shift": Shift,
    "rotate": Rotate,
    "zoom": Zoom,
    "perspective": Perspective,
    "blur": Blur,
    "brightness": Brightness,
    "contrast": Contrast,
    "saturation": Saturation,
    "hue": Hue,
    "noise": Noise,
    "erase": Erase,
    "mixup": Mixup,
    "cutmix": Cutmix,
}
"""Every operation by its name in text, in the order of application."""


def strength_field(kind: type[Any]) -> dataclasses.Field[Any]:
    """The one field of an operation."""
    return dataclasses.fields(kind)[0]


def strength_of(operation: Operation) -> float:
    """The value of the operation's one field; 0 does nothing."""
    return float(getattr(operation, strength_field(type(operation)).name))


def operation_name(kind: type[Any]) -> str:
    """The name in text: `"flip-horizontal"` for FlipHorizontal."""
    return next(name for name, candidate in OPERATIONS.items() if candidate is kind)


def find(operations: Iterable[Operation], kind: type[Kind]) -> Kind | None:
    """The operation of this kind, or None when there is none."""
    return next((operation for operation in operations if isinstance(operation, kind)), None)
