"""Pictures as text inside a page: data URIs, and the figures that hold them."""

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.charts.vector import own_names
from convscope.report.palette import themed

TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg", ".webp": "image/webp"}
# A colour image of this many pixels or more is smaller as JPEG; below, PNG is small enough, and exact.
_PHOTOGRAPH = 48 * 48
_PROLOGUE = re.compile(r"^\s*(<\?xml[^>]*>|<!DOCTYPE[^>]*>|\s)*", re.IGNORECASE)


def image_uri(image: NDArray[np.uint8]) -> str:
    """An image uint8 (H, W, 1) or (H, W, 3) as a data URI: small ones exact, larger photographs as JPEG."""
    height, width, channels = image.shape
    picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
    file = io.BytesIO()
    if channels == 3 and height * width >= _PHOTOGRAPH:
        picture.save(file, "JPEG", quality=82)
        return _uri("image/jpeg", file.getvalue())
    picture.save(file, "PNG", optimize=True)
    return _uri("image/png", file.getvalue())


def file_uri(path: Path) -> str:
    """A picture file as a data URI.

    Raises:
        KeyError: when the file is neither PNG, SVG, JPEG nor WebP.
    """
    return _uri(TYPES[path.suffix.lower()], path.read_bytes())


def reading_width(path: Path) -> int | None:
    """Half the pixels of a picture, which is drawn at twice the size at which it is read; None for SVG."""
    if path.suffix.lower() == ".svg":
        return None
    with Image.open(path) as picture:
        return picture.width // 2


def inline_svg(path: Path, prefix: str) -> str | None:
    """A drawing as a part of the page, in the page's colours; None for a file that is no SVG.

    Args:
        path: the file.
        prefix: put before the names of what the drawing refers to, which must differ in one page.
    """
    if path.suffix.lower() != ".svg":
        return None
    try:
        document = path.read_text(encoding="utf-8")
        if ElementTree.fromstring(document).tag.rpartition("}")[2] != "svg":
            return None
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None
    return themed(_PROLOGUE.sub("", own_names(document, prefix)))


def _uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
