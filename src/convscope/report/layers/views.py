"""What the template of the arithmetic steps shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, kw_only=True)
class Shades:
    """How the image's own values are drawn and called.

    Attributes:
        low, high: (C,), the standardised values of black and of white.
        channels: what the channels are called.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WindowView:
    """One unit's part of a weighted sum."""

    name: str
    link: str
    inputs: Markup
    weights: Markup
    products: Markup
    sum: str


@dataclass(frozen=True, kw_only=True)
class TermView:
    """One input with its weight, of a sum that reads single values."""

    name: str
    link: str
    input: str
    weight: str
    product: str
    share: float
    """−1 to 1, of the largest product."""


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step as the template shows it."""

    layer: str
    where: str
    link: str
    kind: str
    says: str
    value: str
    exact: str
    is_asked: bool
    equation: str = ""
    windows: Sequence[WindowView] = ()
    terms: Sequence[TermView] = ()
    addends: Sequence[tuple[str, str, str]] = ()
    """What is added up: a sign, a number without it, and what that is."""
    grid: Markup | None = None
    parts: Sequence[tuple[str, str, str]] = ()
    """Of a sum of two layers: name, address, number."""
