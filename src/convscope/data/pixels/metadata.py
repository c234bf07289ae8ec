"""Image files without what is said about them: a picture is not lost because its caption is damaged."""

import zlib
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JPEG_APP0, _JPEG_EXIF, _JPEG_ADOBE, _JPEG_COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
_JPEG_SCAN = 0xDA
_ADOBE_BYTES = 16
"""Of a whole Adobe segment, which says how colours are stored."""
_WEBP_PIXELS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_WEBP_HAS_METADATA = 0x20 | 0x08 | 0x04
"""Flags of the chunk VP8X: a colour profile, EXIF, XMP."""


def without_metadata(content: bytes) -> Iterator[bytes]:
    """The same pixels with EXIF alone said about them, then with nothing; only what differs from before.

    PNG, JPEG and WebP, which are read in one pass with their metadata; other files give nothing.
    """
    if content.startswith(_PNG):
        strip = _strip_png
    elif content.startswith(b"\xff\xd8\xff"):
        strip = _strip_jpeg
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        strip = _strip_webp
    else:
        return
    before = content
    for keep_exif in (True, False):
        stripped = strip(content, keep_exif)
        if stripped != before:
            yield stripped
        before = stripped


def _strip_png(content: bytes, keep_exif: bool) -> bytes:
    kept = [_PNG]
    place = len(_PNG)
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        name, body = content[place + 4 : place + 8], content[place + 4 : end - 4]
        whole = zlib.crc32(body).to_bytes(4, "big") == content[end - 4 : end]
        if name in _PNG_PIXELS or (name == b"eXIf" and keep_exif and whole):
            kept.append(content[place:end])
        place = end
    return b"".join(kept)


def _strip_jpeg(content: bytes, keep_exif: bool) -> bytes:
    kept = [content[:2]]
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != _JPEG_SCAN:
        marker = content[place + 1]
        if marker == 0xFF:  # a byte that fills up
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        is_said = marker == _JPEG_COMMENT or _JPEG_APP0 < marker <= 0xEF
        is_exif = marker == _JPEG_EXIF and content[place + 4 : place + 8] == b"Exif"
        if not is_said or (marker == _JPEG_ADOBE and end - place >= _ADOBE_BYTES) or (is_exif and keep_exif):
            kept.append(content[place:end])
        place = end
    return b"".join((*kept, content[place:]))


def _strip_webp(content: bytes, keep_exif: bool) -> bytes:
    kept = []
    place = 12
    while place + 8 <= len(content):
        name = content[place : place + 4]
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        end = place + 8 + length + length % 2
        chunk = content[place:end]
        if name == b"VP8X" and len(chunk) > 8:
            flags = chunk[8] & ~_WEBP_HAS_METADATA
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if name in _WEBP_PIXELS or (name == b"EXIF" and keep_exif):
            kept.append(chunk)
        place = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
