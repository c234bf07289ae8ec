"""What is said about a picture never costs the picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from convscope.data.pixels.decoding import decode, probe
from convscope.data.quarantine import BrokenImage

PICTURE = Image.fromarray(
    np.stack([np.add.outer(np.arange(60), np.arange(80)) + shift for shift in (0, 40, 90)], -1).astype(
        np.uint8
    )
)


def encoded(kind, **options):
    file = io.BytesIO()
    PICTURE.save(file, kind, **options)
    return file.getvalue()


PNG, JPEG = encoded("PNG"), encoded("JPEG", quality=95)
BIG = b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>" + b"a" * (2 << 20)
BOMB = b"k\0\0" + zlib.compress(b"a" * (80 << 20))


def chunk(name, body, *, is_whole=True):
    checksum = zlib.crc32(name + body) ^ (not is_whole)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


PNG_SAID = {
    "2 MB of XMP": chunk(b"iTXt", BIG),
    "a text that unpacks to 80 MB": chunk(b"zTXt", BOMB),
    "a profile that unpacks to 80 MB": chunk(b"iCCP", BOMB),
    "a text with a bad checksum": chunk(b"tEXt", b"a\0b", is_whole=False),
    "EXIF garbage": chunk(b"eXIf", b"garbage"),
    "EXIF with a bad checksum": chunk(b"eXIf", b"garbage", is_whole=False),
    "short gamma": chunk(b"gAMA", b"a"),
    "short colours": chunk(b"cHRM", b"a"),
    "an animation's head without a body": chunk(b"acTL", b""),
    "a chunk of somebody's own": chunk(b"prVt", b"1" * 100, is_whole=False),
}
JPEG_SAID = {
    "EXIF garbage": segment(0xE1, b"Exif\0\0" + b"\xff" * 100),
    "EXIF that stops": segment(0xE1, b"Exif\0\0MM\0*"),
    "a profile's garbage": segment(0xE2, b"ICC_PROFILE\0\x01\x05" + b"\xff" * 100),
    "a profile that stops": segment(0xE2, b"ICC_PROFILE\0"),
    "2 MB of XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 60_000) * 35,
    "several pictures announced": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\x05\0"),
    "Photoshop's garbage": segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff\xff\xff"),
    "half an Adobe segment": segment(0xEE, b"Adobe"),
    "a comment that is no text": segment(0xFE, b"\xff" * 100),
}


@pytest.mark.parametrize("said", PNG_SAID)
@pytest.mark.parametrize("place", [33, len(PNG) - 12], ids=["before", "after"])
def test_a_png_keeps_its_pixels_whatever_is_said_about_them(said, place):
    content = PNG[:place] + PNG_SAID[said] + PNG[place:]
    assert probe(content).width == 80
    assert np.array_equal(decode(content, channels=3), PICTURE)


@pytest.mark.parametrize("said", JPEG_SAID)
def test_a_jpeg_keeps_its_pixels_whatever_is_said_about_them(said):
    content = JPEG[:2] + JPEG_SAID[said] + JPEG[2:]
    assert probe(content).width == 80
    assert np.array_equal(decode(content, channels=3), decode(JPEG, channels=3))


def test_a_webp_keeps_its_pixels_whatever_is_said_about_them():
    plain = encoded("WEBP", quality=90)
    said = encoded("WEBP", quality=90, exif=b"Exif\0\0garbage", xmp=b"<x" * 100_000, icc_profile=b"garbage")
    assert np.array_equal(decode(said, channels=3), decode(plain, channels=3))


def test_a_whole_orientation_survives_beside_a_damaged_text():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded("PNG", exif=exif.tobytes())
    content = turned[:33] + PNG_SAID["a text with a bad checksum"] + turned[33:]
    assert decode(content, channels=3).size == (60, 80)
    turned = encoded("JPEG", exif=exif.tobytes())
    content = turned[:2] + JPEG_SAID["half an Adobe segment"] + turned[2:]
    assert decode(content, channels=3).size == (60, 80)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damaged_pixels_are_still_damaged(kind):
    content = encoded(kind)
    with pytest.raises(BrokenImage, match="cut short"):
        decode(content[: len(content) // 2], channels=3)


@pytest.mark.parametrize(("kind", "feature"), [("AVIF", "avif"), ("JPEG2000", "jpg_2000")])
def test_newer_formats_are_read_where_pillow_reads_them(kind, feature):
    if not features.check(feature):
        pytest.skip(f"this Pillow has no {kind}")
    content = encoded(kind)
    assert probe(content).format == kind
    image = decode(content, channels=3)
    assert np.abs(np.asarray(image).astype(int) - np.asarray(PICTURE)).mean() < 4


@pytest.mark.parametrize(
    ("content", "what", "tool"),
    [
        (b"\0" * 128 + b"DICM" + b"\2\0" * 90, "DICOM", "dcmj2pnm"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC", "heif-convert"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "HEIC", "magick"),
        (b"\xff\x0a" + bytes(range(200)), "JPEG XL", "djxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "JPEG XL", "djxl"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(range(200)), "RAW", "darktable-cli"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(range(200)), "RAW", "darktable-cli"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "RAW", "darktable-cli"),
        (b"IIU\0" + bytes(range(200)), "RAW", "darktable-cli"),
        (b"\0\0\0\x18ftypisom\0\0\0\1", "video", "ffmpeg"),
        (b"8BPS\0\1" + bytes(range(200)), "Photoshop", "magick"),
        (b"v/1\x01" + bytes(range(200)), "OpenEXR", "magick"),
        (b"\x93NUMPY\x01\0" + bytes(range(200)), "array of NumPy", "Pillow"),
    ],
)
def test_what_cannot_be_read_is_named_and_what_converts_it(content, what, tool):
    with pytest.raises(BrokenImage) as refused:
        decode(content, channels=3)
    assert what in str(refused.value)
    assert tool in str(refused.value)


def test_the_small_picture_in_a_raw_file_is_not_taken_for_the_photo():
    tags = {50_706: b"\1\4\0\0"}  # Adobe's DNG
    with pytest.raises(BrokenImage, match="RAW"):
        decode(encoded("TIFF", tiffinfo=tags), channels=3)
