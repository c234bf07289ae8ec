"""Small files whose headers announce what no memory holds."""

import struct
import zlib

HUGE = 60_000


def png(width: int, height: int, *, depth: int = 8, kind: int = 2, before: bytes = b"") -> bytes:
    """A PNG of one colour, as far as it goes: the same zeros again and again compress to next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    rows = zlib.compress(bytes(5_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def text_bomb(megabytes: int) -> bytes:
    """A text chunk that unpacks to so much."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    return chunk(b"zTXt", b"Comment\0\0" + packed)


def jpeg(width: int, height: int, *, progressive: bool = False) -> bytes:
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    scan = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00" + bytes(500)
    return b"\xff\xd8" + (b"\xff\xc2" if progressive else b"\xff\xc0") + frame + scan + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\x00\x00" + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"


def bmp(width: int, height: int, bits: int = 24) -> bytes:
    sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 16, 0, 0, 54) + sizes + bytes(16)


def tiff(width: int, height: int, *, order: str = "<") -> bytes:
    tags = (
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, 8),
    )
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 16) + bytes(8)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


def webp(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sizes
    return b"RIFF" + struct.pack("<I", len(extended) + 4) + b"WEBP" + extended


def jpeg2000(width: int, height: int) -> bytes:
    size = struct.pack(">HHIIIIIIIIH", 41, 0, width, height, 0, 0, width, height, 0, 0, 1) + b"\x07\x01\x01"
    return b"\xff\x4f\xff\x51" + size + bytes(100)


BOMBS: dict[str, bytes] = {
    "png of 3,600 million pixels": png(HUGE, HUGE),
    "png, grey": png(HUGE, HUGE, kind=0),
    "png, one bit": png(HUGE, HUGE, depth=1, kind=0),
    "png with alpha": png(HUGE, HUGE, kind=6),
    "png of 16 bits": png(HUGE, HUGE, depth=16),
    "png, the largest there is": png(2**31 - 1, 2**31 - 1),
    "png, endlessly wide": png(2**31 - 1, 1),
    "png, endlessly high": png(1, 2**31 - 1),
    "png, just over the limit": png(7_072, 7_072),
    "png with 80 MB of text, and huge": png(HUGE, HUGE, before=text_bomb(80)),
    "jpeg": jpeg(65_500, 65_500),
    "jpeg, progressive": jpeg(65_500, 65_500, progressive=True),
    "gif": gif(65_535, 65_535),
    "bmp": bmp(HUGE, HUGE),
    "bmp, upside down": bmp(HUGE, -HUGE),
    "bmp, one bit": bmp(HUGE, HUGE, 1),
    "tiff": tiff(HUGE, HUGE),
    "tiff, big-endian": tiff(HUGE, HUGE, order=">"),
    "webp": webp(16_384, 16_384),
    "pgm": b"P5 60000 60000 255\n" + bytes(16),
    "ppm": b"P6 60000 60000 65535\n" + bytes(16),
    "jpeg 2000": jpeg2000(HUGE, HUGE),
}
"""By what they are."""
