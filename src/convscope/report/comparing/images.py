"""The images that one side alone gets wrong, under all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.comparison.differences import Disagreement, only_wrong, pair_all
from convscope.comparison.pairing import Paired
from convscope.comparison.sides import Side
from convscope.report.page.embed import image_uri
from convscope.wording import percent

SHOWN = 24
"""Images of each side."""

SMALL = 64
"""Pixels a side, up to which an image is enlarged as sharp squares."""


@dataclass(frozen=True, kw_only=True)
class ShownImage:
    """An image with what every side took it for."""

    uri: str
    id: str
    is_small: bool
    truth: str
    answers: tuple[tuple[str, str, bool], ...]
    """Of each side its name, what it said, and whether that is right."""
    note: str


@dataclass(frozen=True, kw_only=True)
class OwnErrors:
    """The images that one side alone gets wrong.

    Attributes:
        name: of the side.
        count: how many there are.
        images: those that the runs kept a picture of, the surest errors first.
    """

    name: str
    count: int
    images: tuple[ShownImage, ...]


def own_errors(sides: Sequence[Side]) -> list[OwnErrors]:
    """Of each side, the images that it gets wrong and all others right."""
    paired = pair_all(sides)
    pictures = _pictures(sides, paired)
    found = []
    for which, side in enumerate(sides):
        own = only_wrong(sides, paired, which)
        shown = [each for each in own if each.index in pictures][:SHOWN]
        images = tuple(_shown(each, sides, pictures[each.index]) for each in shown)
        found.append(OwnErrors(name=side.name, count=len(own), images=images))
    return found


def _pictures(sides: Sequence[Side], paired: Paired) -> dict[int, NDArray[np.uint8]]:
    """By place among the paired images: the pictures that any of the runs kept."""
    found: dict[int, NDArray[np.uint8]] = {}
    members = [member for side in sides for member in side.members]
    for member, rows in zip(members, paired.rows, strict=True):
        if not member.run.has("predictions/images.npz"):
            continue
        arrays = member.run.read_arrays("predictions/images.npz")
        split = member.judged[0].split
        place_of = {int(row): place for place, row in enumerate(rows)}
        for of, row, image in zip(arrays["split"], arrays["index"], arrays["images"], strict=True):
            if str(of) == split and int(row) in place_of:
                found.setdefault(place_of[int(row)], image)
    return found


def _shown(image: Disagreement, sides: Sequence[Side], picture: NDArray[np.uint8]) -> ShownImage:
    answers = []
    for side, answer, right, seeds in zip(sides, image.answers, image.right, image.seeds, strict=True):
        said = answer if seeds == 1 else f"{answer}, {right} of {seeds} right"
        answers.append((side.name, said, 2 * right > seeds))
    return ShownImage(
        uri=image_uri(picture),
        id=image.id,
        is_small=max(picture.shape[:2]) <= SMALL,
        truth=image.true,
        answers=tuple(answers),
        note=percent(image.probability, 0),
    )
