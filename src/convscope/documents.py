"""Documents for programs: what commands print with --json, and what the server answers."""

import math
from typing import Any


def plain(value: Any) -> Any:
    """As JSON holds it: no nan, no objects."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return finite(value)
    return value if value is None or isinstance(value, str | int) else str(value)


def finite(value: float) -> float | None:
    """JSON has no nan: None instead."""
    return value if math.isfinite(value) else None
