"""The images that one side alone gets wrong, or all of them, with what every side took them for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.comparison.differences import Disagreement, all_wrong, only_wrong, pair_all
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
    """The images that one side alone gets wrong, or that all do.

    Attributes:
        which: the side that does; None of those that all get wrong.
        name: of the side; empty of all.
        count: how many there are.
        images: those that the runs kept a picture of, the surest errors first.
    """

    which: int | None
    name: str
    count: int
    images: tuple[ShownImage, ...]

    @property
    def heading(self) -> str:
        """`Only b wrong`."""
        return "All wrong" if self.which is None else f"Only {self.name} wrong"


def own_errors(sides: Sequence[Side], names: Sequence[str]) -> list[OwnErrors]:
    """Of each side, the images that it alone gets wrong; at the end, those that all get wrong."""
    paired = pair_all(sides)
    pictures = _pictures(sides, paired)

    def errors(which: int | None, found: Sequence[Disagreement]) -> OwnErrors:
        shown = [each for each in found if each.index in pictures][:SHOWN]
        images = tuple(_shown(each, which, names, pictures[each.index]) for each in shown)
        name = "" if which is None else names[which]
        return OwnErrors(which=which, name=name, count=len(found), images=images)

    own = [errors(which, only_wrong(sides, paired, which)) for which in range(len(sides))]
    return [*own, errors(None, all_wrong(sides, paired))]


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


def _shown(
    image: Disagreement, wrong: int | None, names: Sequence[str], picture: NDArray[np.uint8]
) -> ShownImage:
    """Where half of the runs are right, side `wrong` counts as wrong, and the others as right."""
    answers = []
    of_each = zip(names, image.answers, image.right, image.seeds, strict=True)
    for place, (name, answer, right, seeds) in enumerate(of_each):
        said = answer if seeds == 1 else f"{answer} ({right}/{seeds} right)"
        is_right = 2 * right > seeds or (2 * right == seeds and wrong not in (None, place))
        answers.append((name, said, is_right))
    return ShownImage(
        uri=image_uri(picture),
        id=image.id,
        is_small=max(picture.shape[:2]) <= SMALL,
        truth=image.true,
        answers=tuple(answers),
        note=percent(image.probability, 0),
    )
