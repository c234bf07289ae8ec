"""Synthetic counting data: blue circles on white, the label is how many.

counting:1-5                                   1,000 images of each count from 1 to 5
counting:45-49?sizes=various&images=5000       radii differ within an image
counting:1-49?area=equal&size=64               the blue area says nothing about the count
"""

import dataclasses
import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.config.checks import check_fields, describe
from convscope.data.sources.source import ArraySource
from convscope.data.synthetic.circles import Floats, draw_discs, drawn_area, equal_sums, place_circles
from convscope.errors import UsageError
from convscope.wording import meant, near

RADIUS = 0.14
"""Of a circle where all are of one size; in units in which centres lie in [-1, 1]."""

LEAST_DISTANCE = 0.2
"""Between any two centres; less than two radii, so that neighbours may overlap."""

EQUAL_AREA = 50 * np.pi * 0.08**2
"""Blue area of every image under area=equal: 50 circles of radius 0.08, which need not overlap."""

MOST_CIRCLES = 70
"""More, 0.2 apart, seldom find room when they are placed one after the other."""

FEWEST_PIXELS = 12
"""Pixels for one unit of the plane; with fewer, circles that are 0.2 apart melt into one."""

_AT_ONCE = 100
"""Images drawn together. Part of what a seed means: another number gives other images."""


@dataclass(frozen=True, kw_only=True)
class CountingConfig:
    """What `counting:` names."""

    smallest: int = field(metadata={"check": (lambda count: 1 <= count <= MOST_CIRCLES, "1 to 70 circles")})
    """Fewest circles in an image."""

    largest: int = field(metadata={"check": (lambda count: 1 <= count <= MOST_CIRCLES, "1 to 70 circles")})
    """Most circles in an image."""

    images: int = field(default=1000, metadata={"check": (lambda count: count > 0, "a number above 0")})
    """Images of each count."""

    sizes: Literal["equal", "various"] = "equal"
    """Circles of radius 0.14; or each with an area evenly from 12.5 % to 125 % of that one's."""

    area: Literal["free", "equal"] = "free"
    """More circles, more blue; or the same blue area in every image, in circles that do not overlap."""

    size: int = field(default=128, metadata={"check": (lambda side: 32 <= side <= 1024, "32 to 1024 pixels")})
    """Side of the image in pixels."""

    view: float = field(default=2.0, metadata={"check": (lambda half: 1.2 <= half <= 4, "1.2 to 4")})
    """The image shows [-view, view]²; centres lie in [-1, 1]². Less leaves away white margin."""

    seed: int = field(default=0, metadata={"check": (lambda seed: seed >= 0, "a number of at least 0")})
    """Another seed gives other images."""

    def __post_init__(self) -> None:
        check_fields(self, "counting")
        if self.smallest > self.largest:
            raise UsageError(f"counting:{self.smallest}-{self.largest}: the first number is above the second")
        if self.size / (2 * self.view) < FEWEST_PIXELS:
            raise UsageError(
                f"counting: size={self.size} leaves circles too few pixels; take at least "
                f"{int(np.ceil(FEWEST_PIXELS * 2 * self.view))} with view={self.view:g}"
            )
        if self.area == "equal" and self.view < 1.6:
            raise UsageError(
                f"counting: view={self.view:g} cuts large circles off; area=equal takes 1.6 to 4"
            )

    @classmethod
    def from_name(cls, name: str) -> "CountingConfig":
        """From `counting:45-49?sizes=various&images=5000`.

        Raises:
            UsageError: naming what is wrong, and what is allowed.
        """
        match = re.fullmatch(r"counting:(\d+)(?:-(\d+))?(?:\?(.*))?", name)
        if match is None:
            raise UsageError(f"{name!r} names no counting data; write it like counting:1-5?images=500")
        smallest, largest, query = match.groups()
        values = _query_values(query or "")
        return cls(smallest=int(smallest), largest=int(largest or smallest), **values)


def counting_source(name: str) -> ArraySource:
    """The images that a name such as `counting:1-5` stands for.

    Raises:
        UsageError: the name is not understood.
    """
    config = CountingConfig.from_name(name)
    images, counts = generate_counting(config)
    numbers = range(config.smallest, config.largest + 1)
    return ArraySource(
        name=f"counting-{config.smallest}-{config.largest}",
        images=images,
        labels=counts - config.smallest,
        class_names=tuple(str(number) for number in numbers),
        ids=tuple(f"{number}/{index:05d}" for number in numbers for index in range(config.images)),
        notes=_notes(config),
    )


def generate_counting(config: CountingConfig) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of blue circles on white, and how many there are.

    Centres are uniform in [-1, 1]², at least 0.2 apart. Under area=equal circles do not overlap either, and
    the sum of `255 - red` over an image is the same whole number in all images of one size and view.

    Returns:
        Images `(N, 3, size, size)` uint8 and counts `(N,)` int64, in order of the count.
    """
    numbers = range(config.smallest, config.largest + 1)
    images = np.full((len(numbers) * config.images, 3, config.size, config.size), 255, np.uint8)
    for place, number in enumerate(numbers):
        for begin in range(0, config.images, _AT_ONCE):
            many = min(_AT_ONCE, config.images - begin)
            generator = np.random.default_rng([config.seed, number, begin])
            start = place * config.images + begin
            blue = _draw_blue(config, many, number, generator)
            images[start : start + many, :2] -= blue[:, None]
    return images, np.repeat(np.array(numbers, np.int64), config.images)


def draw_centres(
    config: CountingConfig, many: int, number: int, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Centres `(many, number, 2)` and radii `(many, number)` of circles, in units of the plane."""
    shares = np.ones((many, number), np.float32)
    if config.sizes == "various":
        # The largest come first: they find room most easily while there is some.
        shares = -np.sort(-generator.uniform(25 / 200, 250 / 200, (many, number)).astype(np.float32), axis=1)
    if config.area == "free":
        radii = np.float32(RADIUS) * np.sqrt(shares)
        return place_circles(np.full((many, number, number), LEAST_DISTANCE, np.float32), generator), radii
    pixel = 2 * config.view / config.size
    drawn = EQUAL_AREA / pixel**2 * shares / shares.sum(1, keepdims=True)  # pixels for each circle
    radii = (np.sqrt(np.maximum(drawn / np.pi - 1 / 12, 0)) * pixel).astype(np.float32)
    apart = radii[:, :, None] + radii[:, None, :] + np.float32(pixel)
    return place_circles(np.maximum(apart, LEAST_DISTANCE), generator), radii


def _draw_blue(
    config: CountingConfig, many: int, number: int, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """`(many, size, size)`, how blue each pixel is, 0 to 255."""
    centres, radii = draw_centres(config, many, number, generator)
    cover = draw_discs(centres, radii, config.size, config.view)
    if config.area == "free":
        return np.rint(cover * 255).astype(np.uint8)
    # Where a disc falls on the grid of pixels makes it a little larger or smaller: mended in its radius
    # first, and what is left, a level or two, in the rims.
    pixel = 2 * config.view / config.size
    total = EQUAL_AREA / pixel**2
    wrong = (cover.sum((1, 2)) - total) / (drawn_area(radii / pixel) - np.pi / 12).sum(1)
    radii = radii * np.sqrt(np.maximum(1 - wrong, 0.5))[:, None].astype(np.float32)
    return equal_sums(draw_discs(centres, radii, config.size, config.view), round(255 * total))


def _notes(config: CountingConfig) -> tuple[str, ...]:
    if config.area == "equal":
        return (
            "The blue area is the same in every image, so it cannot be what is counted; "
            "the length of the rims still grows with the square root of the count.",
        )
    return ("More circles are more blue: adding up pixels goes far. The control is area=equal.",)


def _query_values(query: str) -> dict[str, Any]:
    options = {item.name: item for item in dataclasses.fields(CountingConfig) if item.name not in _COUNTS}
    values: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        key, _, text = part.partition("=")
        if key not in options:
            hint = meant(near(key, options, 1), f"there are: {', '.join(options)}")
            raise UsageError(f"counting: {key!r} is no option; {hint}")
        values[key] = _value(key, urllib.parse.unquote(text), options[key].type)
    return values


_COUNTS = ("smallest", "largest")


def _value(key: str, text: str, kind: Any) -> Any:
    if kind not in (int, float):
        return text
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"counting: {key}={text} is not allowed; it takes {describe(kind)}") from None
