"""How the images of a data set are drawn, and a new drawing made like them.

Digits and letters come centred, of one size, in one ink on plain ground. Whether a data set is like that, and
how, is measured on its images: a drawing is then cropped, scaled, centred and inverted as they are. Of MNIST
this finds what its authors did (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
document recognition", 1998: twenty pixels for the longer side, by the centre of mass), of photos nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.float32]
"""0 to 255, (H, W)."""

_PLAIN = 0.8
"""Of the images, those whose border is of one shade: from so many on they are drawings."""
_SHADES = 24
"""Of 255: shades that differ by less count as one."""
_INKED = 0.25
"""Of the darkest ink: from there on a pixel belongs to what is drawn."""
_ALIKE = 0.09
"""Of the image's side: measures that spread by less are alike."""
_LARGEST = 2.0
"""Times: a drawing is made larger by no more, lest a dot fill the image."""


@dataclass(frozen=True, kw_only=True)
class DrawnStyle:
    """How images are drawn.

    Attributes:
        ground, ink: shades of the ground and of full ink, 0 to 255.
        longest: of what is drawn, the longer side in pixels; None where sizes differ from image to image.
        centre: row and column where it is centred; None where it is not.
        by_mass: whether it is the centre of mass that is placed there, or the middle of the box.
    """

    ground: float
    ink: float
    longest: float | None
    centre: tuple[float, float] | None
    by_mass: bool


@dataclass(frozen=True, kw_only=True)
class _Measured:
    ground: float
    ink: float
    longest: float
    middle: tuple[float, float]
    mass: tuple[float, float]


def measure_style(images: NDArray[np.uint8]) -> DrawnStyle | None:
    """How images uint8 (N, C, H, W) are drawn; None where they are no drawings in one ink on plain ground."""
    if not len(images) or (images.shape[1] == 3 and _is_coloured(images)):
        return None
    found = [measured for image in images if (measured := _measure(_grey(image))) is not None]
    if len(found) < _PLAIN * len(images):
        return None
    grounds = np.array([each.ground for each in found])
    if np.quantile(grounds, 0.9) - np.quantile(grounds, 0.1) > _SHADES:
        return None
    side = max(images.shape[2:])
    sizes = np.array([each.longest for each in found])
    alike = float(np.quantile(sizes, 0.75) - np.quantile(sizes, 0.25)) <= _ALIKE * side
    by = {name: np.array([getattr(each, name) for each in found]) for name in ("mass", "middle")}
    spread = {name: float(places.std(axis=0).max()) for name, places in by.items()}
    nearer = "mass" if spread["mass"] < spread["middle"] else "middle"
    row, column = by[nearer].mean(axis=0).tolist()
    return DrawnStyle(
        ground=float(np.median(grounds)),
        ink=float(np.median([each.ink for each in found])),
        longest=float(np.median(sizes)) if alike else None,
        centre=(row, column) if spread[nearer] <= _ALIKE * side else None,
        by_mass=nearer == "mass",
    )


def fit_drawing(
    picture: Image.Image, style: DrawnStyle, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | None:
    """A drawing or the picture of one, made like the images of a data set.

    Args:
        picture: of mode L or RGB.
        style: of the data set.
        shape: (C, H, W) of its images.

    Returns:
        uint8 (C, H, W), and what was done to it, in words; None for a picture without plain ground.
    """
    grey: Grey = np.asarray(picture.convert("L"), dtype=np.float32)
    channels, height, width = shape
    measured = _measure(grey)
    if measured is None:
        if np.ptp(grey) > _SHADES:
            return None
        blank = np.full(shape, round(style.ground), dtype=np.uint8)
        return blank, ("nothing is drawn",)
    done = []
    share = np.clip((grey - measured.ground) / (measured.ink - measured.ground), 0, 1)
    if (measured.ink > measured.ground) != (style.ink > style.ground):
        light = "light on dark" if style.ink > style.ground else "dark on light"
        done.append(f"inverted: training images are {light}")
    share, scale = _scaled(share, style, (height, width))
    done.append(
        f"scaled to {max(_box_sides(share)):.0f} pixels, as in training"
        if style.longest is not None
        else f"scaled to {width}×{height} pixels"
    )
    placed = _placed(share, style, (height, width), scale)
    if style.centre is not None:
        done.append("centred by its mass, as in training" if style.by_mass else "centred, as in training")
    shades = style.ground + placed * (style.ink - style.ground)
    pixels = np.clip(np.round(shades), 0, 255).astype(np.uint8)
    return np.repeat(pixels[None], channels, axis=0), tuple(done)


def _scaled(share: Grey, style: DrawnStyle, size: tuple[int, int]) -> tuple[Grey, float]:
    """What is drawn, cropped and brought to its size; whole where sizes differ in training."""
    if style.longest is None:
        factor = min(size[0] / share.shape[0], size[1] / share.shape[1])
        return _resized(share, factor), factor
    top, left, bottom, right = _box(share)
    cropped = share[top:bottom, left:right]
    factor = min(style.longest / max(cropped.shape), _LARGEST)
    return _resized(cropped, factor), factor


def _placed(share: Grey, style: DrawnStyle, size: tuple[int, int], scale: float) -> Grey:
    """On an empty image of that size; what does not fit is cut."""
    height, width = size
    canvas = np.zeros(size, dtype=np.float32)
    if style.centre is None:
        goal, own = ((height - 1) / 2, (width - 1) / 2), ((share.shape[0] - 1) / 2, (share.shape[1] - 1) / 2)
    else:
        goal, own = style.centre, _mass(share) if style.by_mass else _middle(share)
    top, left = (round(to - here) for to, here in zip(goal, own, strict=True))
    if style.longest is not None:  # rather a little off its centre than cut
        top = min(max(top, 0), max(0, height - share.shape[0]))
        left = min(max(left, 0), max(0, width - share.shape[1]))
    bottom, right = min(height, top + share.shape[0]), min(width, left + share.shape[1])
    canvas[max(0, top) : bottom, max(0, left) : right] = share[
        max(0, -top) : bottom - top, max(0, -left) : right - left
    ]
    return canvas


def _measure(grey: Grey) -> _Measured | None:
    """One image; None where its border is not plain, or nothing is on it."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    ground = float(np.median(border))
    if float((np.abs(border - ground) <= _SHADES).mean()) < 0.85:
        return None
    ink = _ink(grey, ground)
    if abs(ink - ground) < 2 * _SHADES:
        return None
    share = np.clip((grey - ground) / (ink - ground), 0, 1)
    return _Measured(
        ground=ground,
        ink=ink,
        longest=float(max(_box_sides(share))),
        middle=_middle(share),
        mass=_mass(share),
    )


def _ink(grey: Grey, ground: float) -> float:
    """The shade of full ink, on that side of the ground to which more of the image departs."""
    above, below = np.clip(grey - ground, 0, None), np.clip(ground - grey, 0, None)
    departs = above if above.sum() >= below.sum() else below
    inked = departs[departs > _SHADES]
    full = float(np.quantile(inked, 0.95)) if inked.size else 0.0
    return ground + full if departs is above else ground - full


def _box(share: Grey) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what is drawn."""
    rows, columns = np.nonzero(share >= _INKED)
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def _box_sides(share: Grey) -> tuple[int, int]:
    top, left, bottom, right = _box(share)
    return bottom - top, right - left


def _middle(share: Grey) -> tuple[float, float]:
    top, left, bottom, right = _box(share)
    return (top + bottom - 1) / 2, (left + right - 1) / 2


def _mass(share: Grey) -> tuple[float, float]:
    total = float(share.sum())
    rows, columns = np.arange(share.shape[0]), np.arange(share.shape[1])
    return float((share.sum(1) * rows).sum()) / total, float((share.sum(0) * columns).sum()) / total


def _resized(share: Grey, factor: float) -> Grey:
    """Antialiased, with no side of less than a pixel; made smaller, a thin stroke keeps its full ink."""
    height, width = (max(1, round(side * factor)) for side in share.shape)
    resized = np.asarray(
        Image.fromarray(share).resize(
            (width, height), Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        )
    )
    if factor < 1:  # a stroke thinner than a pixel was averaged with the ground beside it
        resized = resized / np.quantile(resized[resized >= _INKED * resized.max()], 0.95)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def _grey(image: NDArray[np.uint8]) -> Grey:
    return np.asarray(image.astype(np.float32).mean(axis=0), dtype=np.float32)


def _is_coloured(images: NDArray[np.uint8]) -> bool:
    apart = images.max(axis=1).astype(np.int16) - images.min(axis=1)
    return float((apart > _SHADES).mean()) > 0.02
