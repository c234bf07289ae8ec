"""Preprocessing against values worked out by hand."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.data.preprocessing import Preprocessing, discarded_share, fit_image, measure_preprocessing
from convscope.errors import DataError


def stripes(*columns: int, height: int) -> Image.Image:
    """A grey picture whose columns have these values."""
    return Image.fromarray(np.tile(np.array(columns, dtype=np.uint8), (height, 1)))


def pixels(image: Image.Image) -> list[list[int]]:
    return np.asarray(image).tolist()


def test_crop_keeps_the_centre_of_a_wide_picture() -> None:
    fitted = fit_image(stripes(10, 20, 30, 40, 50, 60, height=4), (4, 4), "crop")
    assert pixels(fitted) == [[20, 30, 40, 50]] * 4


def test_crop_keeps_the_centre_of_a_tall_picture() -> None:
    fitted = fit_image(stripes(10, 20, 30, 40, height=8).transpose(Image.Transpose.ROTATE_90), (4, 4), "crop")
    assert fitted.size == (4, 4)
    tall = Image.fromarray(np.arange(0, 80, 10, dtype=np.uint8).reshape(8, 1).repeat(4, axis=1))
    assert [row[0] for row in pixels(fit_image(tall, (4, 4), "crop"))] == [20, 30, 40, 50]


def test_crop_follows_the_shape_that_is_wanted() -> None:
    fitted = fit_image(stripes(*range(10, 90, 10), height=4), (2, 4), "crop")
    assert np.asarray(fitted).shape == (2, 4)
    # A 2:1 shape of an 8 × 4 picture is the whole picture.
    assert fitted.getpixel((0, 0)) < 20
    assert fitted.getpixel((3, 1)) > 70


def test_squash_keeps_both_edges() -> None:
    wide = stripes(*[0] * 4, *[200] * 4, height=4)
    fitted = fit_image(wide, (4, 4), "squash")
    assert np.asarray(fitted).shape == (4, 4)
    assert fitted.getpixel((0, 0)) < 5
    assert fitted.getpixel((3, 3)) > 195


@pytest.mark.parametrize(("width", "top", "bottom"), [(8, 1, 1), (4, 0, 0)])
def test_pad_keeps_everything_and_fills_with_black(width: int, top: int, bottom: int) -> None:
    fitted = fit_image(Image.new("L", (width, 4), 100), (4, 4), "pad")
    assert pixels(fitted) == [[0] * 4] * top + [[100] * 4] * (4 - top - bottom) + [[0] * 4] * bottom


def test_pad_never_loses_a_thin_picture() -> None:
    fitted = fit_image(Image.new("L", (1000, 1), 255), (8, 8), "pad")
    assert (np.asarray(fitted) == 255).sum() == 8


def test_pad_enlarges_a_small_picture() -> None:
    assert pixels(fit_image(Image.new("L", (2, 1), 7), (4, 4), "pad")) == [[0] * 4, [7] * 4, [7] * 4, [0] * 4]


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_a_picture_of_the_right_size_keeps_its_bits(fit: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (np.asarray(fit_image(Image.fromarray(noise), (5, 7), fit)) == noise).all()


def test_the_share_that_a_crop_throws_away() -> None:
    assert discarded_share(200, 100, (64, 64), "crop") == pytest.approx(0.5)
    assert discarded_share(100, 200, (64, 64), "crop") == pytest.approx(0.5)
    assert discarded_share(200, 100, (32, 64), "crop") == pytest.approx(0.0)
    assert discarded_share(200, 100, (64, 64), "pad") == 0.0
    assert discarded_share(200, 100, (64, 64), "squash") == 0.0


def two_images() -> torch.Tensor:
    """Two images of 1 × 2 pixels in two channels."""
    return torch.tensor([[[[0, 255]], [[51, 51]]], [[[0, 0]], [[102, 102]]]], dtype=torch.uint8)


def test_mean_of_each_channel() -> None:
    measured = measure_preprocessing(two_images(), fit="crop", centre="channel", scale=False)
    assert measured.mean.flatten().tolist() == pytest.approx([0.25, 0.3])
    assert measured.std.flatten().tolist() == [1.0, 1.0]
    assert measured.mean.shape == (2, 1, 1)


def test_mean_image() -> None:
    measured = measure_preprocessing(two_images(), fit="crop", centre="image", scale=False)
    assert measured.mean.shape == (2, 1, 2)
    assert measured.mean.flatten().tolist() == pytest.approx([0.0, 0.5, 0.3, 0.3])
    assert measured.standardise(two_images()).mean(0).abs().max() < 1e-7


def test_the_deviation_of_each_channel() -> None:
    measured = measure_preprocessing(two_images(), fit="crop", centre="channel", scale=True)
    # Channel 0 holds 0, 1, 0, 0: variance 1/4 - 1/16. Channel 1 holds 0.2, 0.2, 0.4, 0.4.
    assert measured.std.flatten().tolist() == pytest.approx([(3 / 16) ** 0.5, 0.1])
    standard = measured.standardise(two_images())
    assert standard.mean((0, 2, 3)).abs().max() < 1e-6
    assert standard.std((0, 2, 3), unbiased=False).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_no_centring() -> None:
    measured = measure_preprocessing(two_images(), fit="crop", centre="none", scale=False)
    assert measured.standardise(two_images()).flatten().tolist() == pytest.approx(
        [0, 1, 0.2, 0.2, 0, 0, 0.4, 0.4]
    )


def test_bright_images_in_any_order_give_the_same_bits() -> None:
    """Sums are exact, so that a run measures the same on any number of threads."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(200, 256, (700, 3, 40, 40), dtype=torch.uint8, generator=generator)
    first = measure_preprocessing(images, fit="crop", centre="image", scale=True)
    other = measure_preprocessing(
        images[torch.randperm(700, generator=generator)], fit="crop", centre="image", scale=True
    )
    assert first.mean.equal(other.mean)
    assert first.std.equal(other.std)


def test_images_of_one_colour_stay_finite() -> None:
    flat = torch.full((3, 1, 4, 4), 128, dtype=torch.uint8)
    measured = measure_preprocessing(flat, fit="crop", centre="channel", scale=True)
    assert torch.isfinite(measured.standardise(flat)).all()
    assert measured.standardise(flat).abs().max() < 0.1


def test_statistics_do_not_depend_on_the_chunks_they_are_summed_in() -> None:
    images = torch.randint(
        0, 256, (2100, 1, 3, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    measured = measure_preprocessing(images, fit="crop", centre="channel", scale=True)
    assert measured.mean.item() == pytest.approx((images.double() / 255).mean().item(), abs=1e-7)
    assert measured.std.item() == pytest.approx((images.double() / 255).std(unbiased=False).item(), abs=1e-7)


def test_nothing_to_measure_is_said() -> None:
    with pytest.raises(DataError, match="training split is empty"):
        measure_preprocessing(
            torch.zeros(0, 1, 2, 2, dtype=torch.uint8), fit="crop", centre="none", scale=False
        )


@pytest.mark.parametrize("centre", ["none", "channel", "image"])
def test_the_way_through_json_keeps_every_bit(centre: str) -> None:
    images = torch.randint(
        0, 256, (50, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    before = measure_preprocessing(images, fit="pad", centre=centre, scale=True)
    after = Preprocessing.from_dict(json.loads(json.dumps(before.to_dict())))
    assert (after.size, after.channels, after.fit) == ((5, 4), 3, "pad")
    assert torch.equal(before.mean, after.mean)
    assert torch.equal(before.std, after.std)
    assert torch.equal(before.standardise(images), after.standardise(images))


def test_unstandardise_undoes_standardise() -> None:
    images = torch.randint(
        0, 256, (4, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    )
    preprocessing = measure_preprocessing(images, fit="crop", centre="image", scale=True)
    back = preprocessing.unstandardise(preprocessing.standardise(images))
    assert (back * 255).round().to(torch.uint8).equal(images)


def test_standardising_leaves_its_input_alone() -> None:
    images = two_images()
    measure_preprocessing(images, fit="crop", centre="channel", scale=True).standardise(images)
    floats = images.float() / 255
    kept = floats.clone()
    measure_preprocessing(images, fit="crop", centre="channel", scale=True).standardise(floats)
    assert images.equal(two_images())
    assert floats.equal(kept)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("centre", ["channel", "image"])
def test_standardising_in_place_gives_the_same_bits(centre: str, layout: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (7, 3, 5, 4), dtype=torch.uint8, generator=generator)
    preprocessing = measure_preprocessing(images, fit="crop", centre=centre, scale=True)
    floats = (images.float() / 255).contiguous(memory_format=layout)
    by_hand = (floats - preprocessing.mean) / preprocessing.std
    for standard in (
        preprocessing.standardise(images),
        preprocessing.standardise(floats),
        preprocessing.standardise(floats, in_place=True),
    ):
        assert standard.equal(by_hand)
        assert standard.is_contiguous(memory_format=torch.channels_last)
