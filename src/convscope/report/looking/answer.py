"""One picture, the question that it answers, and what it found."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from convscope.report.pictures.notebook import Picture

About = Literal["filters", "maps", "histograms", "patches", "projection", "where", "wants", "plane"]
ABOUT: tuple[str, ...] = get_args(About)
"""What can be looked at, in the order in which a reader should meet it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """A picture with its words.

    Attributes:
        about: what was looked at.
        name: a file name without ending, the same whenever the same is looked at.
        title: a heading that needs no knowledge of the field's abbreviations.
        question: what the picture answers.
        finding: what it says, in one line, with the number that matters.
        layer: the layer it is about; empty for the whole network.
        numbers: what a reader may want to compute with, for JSON.
    """

    about: About
    name: str
    title: str
    question: str
    finding: str
    picture: Picture
    layer: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def file_name(*parts: str) -> str:
    """A file name without ending, of words, layer names and the like."""
    return "-".join(re.sub(r"[^\w.]+", "-", part).strip("-.") for part in parts if part)


def some(count: int, what: str, plural: str = "") -> str:
    """`1 unit`, `3 units`."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def rounded(value: float) -> str:
    """Three significant digits, with a minus sign that is one."""
    return f"{value:.3g}".replace("-", "−")


def percent(share: float) -> str:
    """`12 %`, `0.4 %`; never 0 or 100 where it is not."""
    per_cent = 100 * share
    if 0 < per_cent < 0.05:
        return "< 0.1 %"
    if 99.5 <= per_cent < 100:
        return "> 99.9 %" if per_cent >= 99.95 else f"{per_cent:.1f} %"
    return f"{per_cent:.0f} %" if per_cent >= 10 or per_cent == 0 else f"{per_cent:.1f} %"
