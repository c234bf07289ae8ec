import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from convscope.data.pixels.decoding import Reading, brightest_value, decode, probe
from convscope.data.quarantine import BrokenImage

TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


def pixels(image):
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_all_eight_orientations_come_out_upright(picture, encoded, orientation, kind):
    upright = picture(1)
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    stored = upright if orientation == 1 else upright.transpose(TURNS[undo])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    content = encoded(stored, kind, exif=exif.tobytes(), **options)
    decoded = decode(content, channels=3)
    assert decoded.size == upright.size
    assert np.abs(pixels(decoded) - pixels(upright)).mean() < 3
    seen = probe(content)
    assert (seen.width, seen.height, seen.orientation) == (*upright.size, orientation)


def test_a_tiff_turned_by_its_caption_is_surveyed_as_it_is_decoded(picture, encoded):
    said = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    content = encoded(picture(1), "TIFF", tiffinfo={700: said})
    seen = probe(content)
    assert decode(content, channels=3).size == (seen.width, seen.height)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "JPEG", "TIFF", "PPM"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_is_recognised_by_content(picture, encoded, kind, channels):
    decoded = decode(encoded(picture(2), kind), channels=channels)
    assert decoded.mode == ("L" if channels == 1 else "RGB")
    assert np.abs(pixels(decoded) - pixels(picture(2).convert(decoded.mode))).mean() < 8


def test_transparent_pixels_lie_on_white(encoded):
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert decode(encoded(clear), channels=3).getpixel((0, 0)) == (255, 255, 255)
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert abs(decode(encoded(half), channels=1).getpixel((0, 0)) - 127) <= 1


def test_transparent_palette_colour_lies_on_white(encoded):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([200, 0, 0, 0, 200, 0] + [0] * 762)
    image.putpixel((1, 1), 1)
    decoded = decode(encoded(image, "PNG", transparency=0), channels=3)
    assert decoded.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.getpixel((1, 1)) == (0, 200, 0)


def test_sixteen_bits_are_scaled_not_cut(encoded):
    values = np.array([[0, 257, 32_768, 65_535]], dtype=np.uint16)
    decoded = decode(encoded(Image.fromarray(values)), channels=1)
    assert pixels(decoded).tolist() == [[0, 1, 128, 255]]


def test_first_frame_of_an_animation_counts(encoded):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(content, channels=3).getpixel((3, 3)) == (255, 0, 0)


def test_cmyk_jpeg_keeps_its_colours(encoded):
    content = encoded(Image.new("RGB", (16, 16), (200, 30, 30)).convert("CMYK"), "JPEG", quality=95)
    red, green, blue = decode(content, channels=3).getpixel((8, 8))
    assert red > 170
    assert max(green, blue) < 70


def test_large_jpeg_is_decoded_smaller_but_never_below_the_target(picture, encoded):
    content = encoded(picture(3, (1600, 1200)), "JPEG")
    decoded = decode(content, channels=3, target_size=224)
    assert decoded.size == (400, 300)
    whole = decode(content, channels=3).resize(decoded.size)
    assert np.abs(pixels(whole) - pixels(decoded)).mean() < 2


def test_bomb_is_refused_by_its_header():
    with pytest.raises(BrokenImage, match="50,000 × 50,000 pixels are over the limit of 100 million"):
        decode(png_header(50_000, 50_000), channels=3)
    with pytest.raises(BrokenImage, match="over the limit of 2,499"):
        probe(png_header(50, 50), max_pixels=2_499)


def test_our_limit_replaces_pillows_and_leaves_it_as_it_was():
    before = Image.MAX_IMAGE_PIXELS
    assert probe(png_header(30_000, 30_000), max_pixels=10**9).width == 30_000
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "JPEG", "TIFF"])
@pytest.mark.filterwarnings("error")
def test_our_limit_alone_counts_while_pixels_are_read(picture, encoded, monkeypatch, kind):
    content = encoded(picture(2), kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    decoded = decode(content, channels=3, reading=Reading(max_pixels=48 * 40))
    assert (decoded.size, Image.MAX_IMAGE_PIXELS) == ((48, 40), 100)
    with pytest.raises(BrokenImage, match="over the limit of 1,919"):
        decode(content, channels=3, reading=Reading(max_pixels=48 * 40 - 1))
    assert Image.MAX_IMAGE_PIXELS == 100


def test_tiffs_of_sixteen_bits_are_read_whatever_pillows_limit_is(encoded, monkeypatch):
    content = encoded(Image.fromarray(np.full((30, 30), 4_000, dtype=np.uint16)), "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert brightest_value(content) == 4_000
    assert decode(content, channels=1, reading=Reading(white=4_095)).getpixel((5, 5)) == 249


def test_pillows_limit_is_back_when_all_threads_are_done(picture, encoded, monkeypatch):
    content = encoded(picture(3), "TIFF", compression="tiff_lzw")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with ThreadPoolExecutor(8) as pool:
        sizes = set(pool.map(lambda _: decode(content, channels=3).size, range(200)))
    assert (sizes, Image.MAX_IMAGE_PIXELS) == ({(48, 40)}, 100)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not an image: HTML"),
        (b"  \n<HTML><title>Moved</title>", "not an image: HTML"),
        ("die Übersicht fehlt\n".encode(), "not an image: text"),
        (b"%PDF-1.7 ...", "not an image: PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0" * 500, "nothing but zeros"),
        (bytes(range(7, 256)) * 3, "not an image"),
        (b"\xff\xd8\xff\xe0", "cut short"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 50, "a HEIC photo: convert it"),
    ],
)
def test_reason_says_what_the_file_is(content, reason):
    with pytest.raises(BrokenImage, match=reason):
        decode(content, channels=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_cut_file_is_called_cut_short(picture, encoded, kind, kept):
    content = encoded(picture(4, (300, 200)), kind)
    with pytest.raises(BrokenImage, match="cut short"):
        decode(content[: int(kept * len(content))], channels=3)


def test_damaged_exif_does_not_make_an_image_broken(picture, encoded):
    content = encoded(picture(5), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert decode(content, channels=3).size == picture(5).size


def test_same_bits_every_time(picture, encoded):
    content = encoded(picture(6, (900, 700)), "JPEG")
    first, second = (decode(content, channels=3, target_size=100).tobytes() for _ in range(2))
    assert first == second


def test_grey_and_colour_headers(encoded):
    assert probe(encoded(Image.new("L", (3, 2)))).channels == 1
    assert probe(encoded(Image.new("RGB", (3, 2)))).channels == 3
    assert probe(encoded(Image.fromarray(np.zeros((2, 3), np.uint16)))).channels == 1
