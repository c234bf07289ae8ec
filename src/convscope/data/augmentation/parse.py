"""Text to operations and back: `"photos, hue=0.05, rotate=0"`."""

from collections.abc import Iterable

from convscope.data.augmentation.operations import (
    OPERATIONS,
    Operation,
    operation_name,
    strength_field,
    strength_of,
)
from convscope.data.augmentation.presets import PRESETS
from convscope.errors import UsageError
from convscope.wording import meant, near


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
