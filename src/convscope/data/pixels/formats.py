"""What a file is that no decoder wants, and what turns it into one that can be read."""

_CONVERT = "convert it to JPEG or PNG, for example with"
_HEIC = f"a HEIC photo: {_CONVERT} `magick` or `heif-convert`"
RAW = f"a camera's RAW file: {_CONVERT} `darktable-cli` or `rawtherapee-cli`"
_JPEG_XL = f"a JPEG XL image: {_CONVERT} `djxl`"
_BRANDS = {
    **dict.fromkeys(("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"), _HEIC),
    "avif": f"an AVIF image, which this Pillow cannot read: {_CONVERT} `avifdec`",
    "avis": f"an AVIF animation, which this Pillow cannot read: {_CONVERT} `avifdec`",
    "crx": RAW,
    **dict.fromkeys(
        ("isom", "iso2", "mp41", "mp42", "avc1", "M4V", "qt", "3gp4", "3gp5"),
        "a video: take images out of it, for example with `ffmpeg`",
    ),
}
"""By the brand of a file in the ISO base media format, whose first box is `ftyp`."""
_MAGICS = {
    b"%PDF": f"not an image: PDF. If each page is one, {_CONVERT} `pdftoppm`",
    b"PK\x03\x04": "not an image: ZIP. Unpack it to reach the images in it",
    b"\x1f\x8b": "not an image: gzip",
    b"\xff\x0a": _JPEG_XL,
    b"\0\0\0\x0cJXL \r\n\x87\n": _JPEG_XL,
    b"\0\0\0\x0cjP  \r\n\x87\n": "a JPEG 2000 image that is damaged, or that this Pillow cannot read",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image that is damaged, or that this Pillow cannot read",
    b"FUJIFILMCCD-RAW": RAW,
    b"IIRO": RAW,
    b"IIRS": RAW,
    b"MMOR": RAW,
    b"IIU\0": RAW,
    b"FOVb": RAW,
    b"II\x1a\0\0\0HEAPCCDR": RAW,
    b"v/1\x01": f"an OpenEXR image: {_CONVERT} `magick`",
    b"8BPS": f"a Photoshop file: {_CONVERT} `magick`",
    b"gimp xcf": f"a GIMP file: {_CONVERT} `magick`",
    b"SIMPLE  =": f"a FITS image: {_CONVERT} `magick`",
    b"\x93NUMPY": "an array of NumPy: save it as a PNG, for example with Pillow",
    b"\x89HDF": "an HDF5 file: save each of its images as a PNG, for example with h5py and Pillow",
    b"\xff\xd8\xff": "cut short",
    b"\x89PNG": "cut short",
    b"GIF8": "cut short",
    b"RIFF": "cut short",
    b"BM": "damaged",
    b"II*\0": "damaged, or a kind of TIFF that cannot be read",
    b"MM\0*": "damaged, or a kind of TIFF that cannot be read",
}


def name_unreadable(content: bytes) -> str:
    """Say what a file is that no decoder wants."""
    head = content[:4096]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in start:
        return "not an image: HTML"
    if start.startswith((b"<svg", b"<?xml")):
        return "not an image that is made of pixels: SVG or XML"
    if head[128:132] == b"DICM":
        return f"a DICOM image: {_CONVERT} `dcmj2pnm` or `magick`"
    if head[4:8] == b"ftyp":
        brand = head[8:12].decode("latin-1").strip()
        return _BRANDS.get(brand, f"not a format that can be read: {brand}")
    if is_raw(head):
        return RAW
    for magic, what in _MAGICS.items():
        if head.startswith(magic):
            return what
    if not head.strip(b"\0"):
        return "not an image: nothing but zeros"
    return "not an image: text" if _is_text(head) else "not an image"


def is_raw(content: bytes) -> bool:
    """Whether a TIFF says that it is Canon's RAW, which holds a small picture that could be taken for it."""
    return content[:4] in (b"II*\0", b"MM\0*") and content[8:10] == b"CR"


def _is_text(head: bytes) -> bool:
    # The last few bytes may be half a character.
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return all(character.isprintable() or character in "\t\r\n\f\v" for character in text)
    return False
