import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance
from scipy.fft import dct

from convscope.data.pixels.decoding import decode
from convscope.data.preprocessing import fit_image
from convscope.data.splitting import similar
from convscope.data.splitting.similar import describe, similar_pairs


def pairs_among(images, size=64, fit="squash"):
    fitted = [fit_image(image.convert("RGB"), (size, size), fit) for image in images]
    pixels = np.stack([np.asarray(image).transpose(2, 0, 1) for image in fitted])
    return similar_pairs(np.stack([describe(image) for image in fitted]), pixels, range(len(images)))


@pytest.mark.parametrize("change", ["smaller", "jpeg", "both", "paler"])
def test_copies_are_found_and_nothing_else(picture, encoded, change):
    originals = [picture(index, (320, 240)) for index in range(40)]

    def changed(image):
        if change in ("smaller", "both"):
            image = image.resize((110, 83), Image.Resampling.BICUBIC)
        if change in ("jpeg", "both"):
            image = decode(encoded(image, "JPEG", quality=40), channels=3)
        return ImageEnhance.Contrast(image).enhance(0.8) if change == "paler" else image

    copies = [changed(image) for image in originals[:10]]
    assert pairs_among(originals + copies) == [(index, 40 + index) for index in range(10)]


def test_different_digits_are_no_copies():
    from convscope.data.sources.named import named_source

    digits = named_source("digits").images[::4]
    described = np.stack([describe(Image.fromarray(image[0])) for image in digits])
    assert similar_pairs(described, digits, range(len(digits))) == []


def test_flat_images_are_not_taken_for_each_other():
    assert (
        pairs_among([Image.new("RGB", (64, 64), (level, level, level)) for level in range(0, 200, 5)]) == []
    )


def test_padding_makes_different_things_no_copies():
    def thing(place):
        image = Image.new("RGB", (320, 140), (235, 235, 235))
        ImageDraw.Draw(image).rectangle((place, 50, place + 40, 90), fill=(150, 160, 150))
        return image

    different = [thing(place) for place in range(40, 260, 50)]
    assert pairs_among(different, fit="pad") == []
    assert pairs_among([*different, thing(41)], fit="pad") == [(0, 5)]


def test_same_shape_in_another_colour_is_another_picture():
    def disc(colour):
        image = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(image).ellipse((16, 16, 48, 48), fill=colour)
        return image

    assert pairs_among([disc("#c80000"), disc("#006600")]) == []
    assert pairs_among([disc("#c80000"), disc("#c80202")]) == [(0, 1)]


def test_one_image_has_no_pair(picture):
    assert pairs_among([picture(1)]) == []


def test_thousands_that_are_all_alike_stay_within_bounds(monkeypatch):
    monkeypatch.setattr(similar, "_MOST_CHECKED", 500)
    noise = np.random.default_rng(0).normal(0, 1, (1_000, 63))
    described = np.full((1_000, 63), 100.0, np.float32) + noise.astype(np.float32)
    described[7] = described[3]
    pairs = similar_pairs(
        described, np.random.default_rng(1).integers(0, 9, (1, 3, 32, 32), np.uint8), [0] * 1_000
    )
    assert (3, 7) in pairs
    assert len(pairs) <= 500


def test_the_frequencies_are_those_of_the_cosine_transform():
    expected = dct(np.eye(32), axis=0, norm="ortho")[:8].astype(np.float32)
    np.testing.assert_array_equal(similar._BASIS, expected)
