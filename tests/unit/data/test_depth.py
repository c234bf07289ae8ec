"""Images of more than 8 bits, and images that could vanish on the way to 8."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convscope.classifier.classifier import Classifier
from convscope.classifier.target import Target
from convscope.config.asked import DataConfig, NetworkConfig
from convscope.data.auditing.audit import audit
from convscope.data.loading import load_dataset
from convscope.data.pixels import reading
from convscope.data.pixels.decoding import Reading, brightest_value, decode
from convscope.data.pixels.depth import white_of
from convscope.data.pixels.reading import what_is_lost
from convscope.data.preprocessing import Preprocessing
from convscope.data.quarantine import BrokenImage

SHADES = np.add.outer(np.arange(60) * 8, np.arange(80) * 6)  # from 0 to 946
COLOURS = np.stack([SHADES, SHADES[::-1], SHADES[:, ::-1]], axis=-1)
PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the number of channels."""


def deep_png(values):
    values = values.reshape(*values.shape[:2], -1)
    height, width, channels = values.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 16, PNG_KINDS[channels], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opaque(values, alpha):
    return np.concatenate([values.reshape(60, 80, -1), np.full((60, 80, 1), alpha)], axis=-1)


def deep_tiff(**options):
    return encoded(Image.fromarray(SHADES.astype(np.uint16)), "TIFF", **options)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (deep_png(SHADES), SHADES),
        (deep_png(COLOURS), COLOURS),
        (deep_png(opaque(SHADES, 65_535)), SHADES),
        (deep_png(opaque(SHADES, 1_023)), SHADES),
        (deep_png(opaque(COLOURS, 65_535)), COLOURS),
        (deep_tiff(), SHADES),
        (deep_tiff(compression="tiff_lzw"), SHADES),
        (encoded(Image.fromarray(SHADES.astype(np.int32)), "TIFF"), SHADES),
    ],
)
def test_ten_bits_in_a_file_of_sixteen_become_256_levels(content, wanted):
    white = white_of(brightest_value(content))
    assert white == 1_023
    image = decode(content, channels=3, reading=Reading(white=white))
    expected = wanted if wanted.ndim == 3 else np.repeat(wanted[..., None], 3, axis=-1)
    assert np.abs(np.asarray(image) - expected * 255 / 1_023).max() <= 0.5
    assert what_is_lost(image) == ""
    assert "blank" in what_is_lost(decode(content, channels=3))


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1_023), (12, 4_095), (14, 16_383), (16, 65_535)])
def test_white_is_that_of_the_sensor(bits, white):
    assert white_of(brightest_value(deep_png(SHADES * 2**bits // 1_024))) == white


def test_ordinary_images_have_no_say_in_what_is_white():
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP"):
        assert brightest_value(encoded(Image.new("RGB", (5, 5), (9, 9, 9)), kind)) is None
    assert brightest_value(b"\x89PNG damaged") is None


def test_white_is_looked_for_once(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(deep_png(SHADES + number + (name == "a")))
    config = DataConfig(source=str(tmp_path))
    first = load_dataset(config, size=(16, 16), channels=1, fit="squash", seed=0)
    monkeypatch.setattr(reading, "brightest_value", None)
    again = load_dataset(config, size=(20, 20), channels=1, fit="squash", seed=0)
    assert first.reading.white == again.reading.white == 1_023


def test_a_header_that_says_what_is_white_is_believed():
    content = b"P5 80 60 1023\n" + SHADES.astype(">u2").tobytes()
    for white in (1_023, 65_535):
        image = decode(content, channels=1, reading=Reading(white=white))
        assert np.abs(np.asarray(image) - SHADES * 255 / 1_023).max() <= 1


def test_brighter_than_white_is_refused_not_cut_off():
    with pytest.raises(BrokenImage, match=r"values up to 3,784, brighter than white \(1,023\)"):
        decode(deep_png(SHADES * 4), channels=1, reading=Reading(white=1_023))


def test_white_is_found_in_the_whole_source_and_belongs_to_the_classifier(tmp_path):
    generator = np.random.default_rng(0)
    for name, most in (("dim", 300), ("bright", 1_000)):
        (tmp_path / name).mkdir()
        for number in range(8):
            values = generator.integers(0, most, (24, 24)).astype(np.uint16)
            Image.fromarray(values).save(tmp_path / name / f"{number}.png")
    dataset = load_dataset(DataConfig(source=str(tmp_path)), size=(24, 24), channels=1, fit="squash", seed=0)
    assert dataset.reading.white == 1_023
    assert "images of more than 8 bits hold 10: 1,023 is taken for white" in dataset.notes
    classifier = Classifier.build(
        NetworkConfig(name="linear"),
        Preprocessing(24, 24, 1, "squash"),
        Target(class_names=dataset.class_names),
        seed=0,
        reading=dataset.reading,
    )
    classifier = Classifier.load(classifier.save(tmp_path / "saved"))
    for images in dataset.splits.values():
        for name, pixels in zip(images.ids, images.images, strict=True):
            assert classifier.read(tmp_path / name).equal(pixels)
            assert classifier.read(Image.open(tmp_path / name)).equal(pixels)


def shape_on_nothing(mode, shape, nothing):
    image = Image.new(mode, (60, 60), nothing)
    image.paste(shape, (10, 10, 40, 40))
    return image


WHITE_PALETTE = Image.new("P", (60, 60), 0)
WHITE_PALETTE.putpalette([255, 255, 255, 255, 255, 255])
WHITE_PALETTE.paste(1, (10, 10, 40, 40))


@pytest.mark.parametrize(
    "content",
    [
        encoded(shape_on_nothing("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)), "PNG"),
        encoded(shape_on_nothing("RGBA", (240, 245, 250, 255), (0, 0, 0, 0)), "WEBP", lossless=True),
        encoded(shape_on_nothing("LA", (255, 255), (255, 0)), "PNG"),
        encoded(WHITE_PALETTE, "PNG", transparency=0),
        encoded(WHITE_PALETTE, "GIF", transparency=0),
        encoded(shape_on_nothing("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)), "PNG"),
        encoded(shape_on_nothing("RGBA", (200, 30, 30, 255), (255, 255, 255, 0)), "PNG"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_shape_on_transparency_can_be_seen_whatever_its_colour(content, channels):
    pixels = np.asarray(decode(content, channels=channels)).reshape(60, 60, channels).astype(int)
    assert np.abs(pixels[25, 25] - pixels[50, 50]).max() > 100


def test_dark_shapes_stay_on_white():
    content = encoded(shape_on_nothing("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)), "PNG")
    assert decode(content, channels=3).getpixel((50, 50)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.new("RGB", (50, 40), (9, 90, 9)), "blank"),
        (Image.new("RGBA", (50, 40), (9, 90, 9, 0)), "blank"),
        (Image.fromarray(np.tile(np.arange(10, dtype=np.uint8), (30, 3))), "nearly blank"),
        (Image.new("RGB", (1, 1)), "1×1 px"),
        (Image.fromarray(np.arange(6, dtype=np.uint8).reshape(3, 2) * 40), "2×3 px"),
        (Image.fromarray(np.tile(np.arange(250, dtype=np.uint8), (2, 40))), "a strip, 5,000 times as long"),
    ],
)
def test_what_hardly_shows_anything_is_said(tmp_path, photo_folder_of, image, said):
    folder = photo_folder_of(12)
    image.save(folder / "a" / "odd.png")
    dataset = load_dataset(DataConfig(source=str(folder)), size=(32, 32), channels=3, fit="pad", seed=0)
    (note,) = (note for note in dataset.notes if "hardly anything" in note)
    assert note.startswith(f"1 image shows hardly anything (a/odd.png: {said}")
    found = audit(DataConfig(source=str(folder)))
    assert [(entry.path, entry.reason.startswith(said)) for entry in found.faint] == [("a/odd.png", True)]
    assert json.loads(json.dumps(found.to_dict()))["faint"][0]["path"] == "a/odd.png"


@pytest.fixture
def photo_folder_of(tmp_path):
    def make(count):
        generator = np.random.default_rng(1)
        for name in ("a", "b"):
            (tmp_path / "photos" / name).mkdir(parents=True)
            for number in range(count // 2):
                values = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(values).save(tmp_path / "photos" / name / f"{number}.png")
        return tmp_path / "photos"

    return make


def test_a_prediction_on_what_shows_nothing_says_so(tmp_path):
    classifier = Classifier.build(
        NetworkConfig(name="linear"), Preprocessing(8, 8, 1, "pad"), Target(class_names=("a", "b")), seed=0
    )
    Image.new("L", (30, 20), 7).save(tmp_path / "flat.png")
    Image.fromarray(np.arange(200, dtype=np.uint8).reshape(10, 20)).save(tmp_path / "shades.png")
    flat, shades = classifier.predict([tmp_path / "flat.png", tmp_path / "shades.png"])
    assert flat.to_dict()["faint"] == "blank: all its pixels are alike"
    assert "faint" not in shades.to_dict()
