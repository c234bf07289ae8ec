"""Allowed values of configuration fields, with messages that name field, value and what is allowed."""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Callable
from typing import Any, Literal

from convscope.errors import UsageError

Check = tuple[Callable[[Any], bool], str]

positive: Check = (lambda value: value > 0, "a number above 0")
positive_or_none: Check = (lambda value: value is None or value > 0, "a number above 0")
non_negative: Check = (lambda value: value >= 0, "a number of at least 0")
non_negative_or_none: Check = (lambda value: value is None or value >= 0, "a number of at least 0")
two_or_more_or_none: Check = (lambda value: value is None or value >= 2, "a whole number of at least 2")
fraction: Check = (lambda value: value is None or 0 <= value < 1, "a number from 0 up to, but not, 1")
fraction_or_none: Check = (lambda value: value is None or 0 <= value <= 1, "a number from 0 to 1")
said: Check = (lambda value: bool(value.strip()), "a text that is not empty")
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m` or `1.5h`; nan for anything else, and for no time at all."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)\s*", text)
    return (float(match[1]) * _UNITS[match[2]] if match else 0.0) or math.nan


duration_or_none: Check = (
    lambda value: value is None or math.isfinite(parse_duration(value)),
    "90s, 5m or 1h",
)


def check_fields(config: Any, section: str = "") -> None:
    """Check types and values of one frozen configuration dataclass.

    Raises:
        UsageError: naming the field, its value and what is allowed.
    """
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        where = f"{section}.{field.name}" if section else field.name
        if not _fits(value, hints[field.name]):
            raise UsageError(f"{where} = {value!r} is not allowed; it takes {describe(hints[field.name])}")
        check = field.metadata.get("check")
        if check is not None and not check[0](value):
            raise UsageError(f"{where} = {value!r} is not allowed; it takes {check[1]}")


def describe(hint: Any) -> str:
    """What a type allows, in words: `"'crop', 'squash' or 'pad'"`."""
    plain = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    if hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is Literal:
        options = [repr(option) for option in typing.get_args(hint)]
        return ", ".join(options[:-1]) + " or " + options[-1] if len(options) > 1 else options[0]
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(describe(part) for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is tuple:
        return "a list"
    return f"a {getattr(hint, '__name__', hint)}"


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(each, typing.get_args(hint)[0]) for each in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, typing.get_origin(hint) or hint)
