"""One picture, the question that it answers, and what was found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from convscope.diagnosis.finding import Finding
from convscope.looking.asking import About
from convscope.looking.subject import SPLIT_NAMES, Looked
from convscope.report.pictures.notebook import Picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Sprite:
    """Small images on one, in rows: those of the points of a plane, in their order.

    Attributes:
        image: all of them.
        columns: in a row.
        size: width and height of each.
    """

    image: Image.Image
    columns: int
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """A picture with its words.

    Attributes:
        about: what was looked at.
        name: a file name without ending, the same whenever the same is looked at.
        title: a heading that needs no knowledge of the field's abbreviations.
        question: what the picture answers.
        findings: what it says, with the numbers that matter.
        picture: the drawing.
        layer: the layer it is about; empty for the whole network.
        shows: what tells two pictures of one name apart: the images that a reader chose, by their content.
        sprite: the images that the picture's points stand for.
        numbers: what a reader may want to compute with, for JSON.
    """

    about: About
    name: str
    title: str
    question: str
    findings: Sequence[Finding]
    picture: Picture
    layer: str = ""
    shows: str = ""
    sprite: Sprite | None = None
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def finding(self) -> str:
        """All findings in one line."""
        return together(self.findings)


def together(findings: Sequence[Finding]) -> str:
    """Findings in one line, without their advice."""
    return "; ".join(finding.said for finding in findings)


def file_name(*parts: str) -> str:
    """A file name without ending, of words, layer names and the like."""
    return "-".join(re.sub(r"[^\w.]+", "-", part).strip("-.") for part in parts if part)


def stem_of(looked: Looked) -> str:
    """The name of an image without its ending."""
    return looked.name.rpartition(".")[0] or looked.name


def split_words(images: Sequence[Looked]) -> str:
    """`test images`, `a training image`; empty for images new to the run, or of several splits."""
    splits = {image.split for image in images}
    split = splits.pop() if len(splits) == 1 else None
    if split is None:
        return ""
    return f"a {SPLIT_NAMES[split]} image" if len(images) == 1 else f"{SPLIT_NAMES[split]} images"
