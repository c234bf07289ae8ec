"""Operations in text: presets by name, and changes to them: `"photos, hue=0.05, rotate=0"`."""

from collections.abc import Iterable

from convscope.data.augmentation.operations import (
    OPERATIONS,
    Brightness,
    Contrast,
    EdgePadding,
    FlipHorizontal,
    FlipVertical,
    Operation,
    PadAndCrop,
    Perspective,
    QuarterTurns,
    Rotate,
    Saturation,
    Shift,
    Zoom,
    operation_name,
    strength_field,
    strength_of,
)
from convscope.errors import UsageError
from convscope.wording import meant, near

PRESETS: dict[str, tuple[Operation, ...]] = {
    "none": (),
    # Things photographed upright: left and right may be swapped, top and bottom may not.
    "photos": (
        FlipHorizontal(0.5),
        Shift(0.05),
        Rotate(10.0),
        Zoom(0.2),
        Perspective(0.15),
        Brightness(0.2),
        Contrast(0.2),
        Saturation(0.2),
    ),
    # A mirrored 2 is no 2, and a 6 turned by 180 degrees is a 9: small moves only.
    "digits": (PadAndCrop(2), EdgePadding(), Rotate(8.0), Zoom(0.1)),
    # Pictures without an up or a left, all of which counts (cells, circles): nothing is cropped or resampled.
    "symmetric": (FlipHorizontal(0.5), FlipVertical(0.5), QuarterTurns(0.75)),
    # Small photos, 32 px: only exact moves, because resampling blurs what little there is.
    "cifar": (FlipHorizontal(0.5), PadAndCrop(4)),
}
"""Ready lists of operations by name. None of them can change the label of the data it is made for."""


def parse_operations(text: str) -> tuple[Operation, ...]:
    """Operations named in a text, separated by commas, in the order of application.

    Each part is a preset, an operation (`shift`) or an operation with its strength (`shift=0.1`). A later
    part replaces an earlier one of the same name; strength 0 takes the operation out.

    Raises:
        UsageError: an unknown name (with close matches), or a strength out of range.
    """
    chosen: dict[str, Operation] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name in PRESETS and not equals:
            chosen |= {operation_name(type(operation)): operation for operation in PRESETS[name]}
        elif name:
            chosen[name] = _operation(name, value if equals else None)
    return in_order(operation for operation in chosen.values() if strength_of(operation) > 0)


def in_order(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """The operations in the order in which they are applied."""
    order = list(OPERATIONS.values())
    return tuple(sorted(operations, key=lambda operation: order.index(type(operation))))


def operations_text(operations: Iterable[Operation]) -> str:
    """The text that `parse_operations` turns into these operations; `"none"` for no operation."""
    parts = [f"{operation_name(type(operation))}={strength_of(operation):.12g}" for operation in operations]
    return ", ".join(parts) or "none"


def _operation(name: str, value: str | None) -> Operation:
    if name not in OPERATIONS:
        known = [*PRESETS, *OPERATIONS]
        hint = meant(near(name, known, cutoff=0.5), f"there are: {', '.join(known)}")
        raise UsageError(f"augmentation: {name!r} is not known; {hint}")
    kind = OPERATIONS[name]
    if value is None:
        return kind()
    field = strength_field(kind)
    try:
        number = int(value) if field.type is int else float(value)
    except ValueError:
        wanted = "a whole number" if field.type is int else "a number"
        raise UsageError(f"augmentation: {name}={value} is not allowed; {field.name} is {wanted}") from None
    return kind(number)  # type: ignore[arg-type]
