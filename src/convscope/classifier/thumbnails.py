"""Small pictures of the images that were asked about, for a notebook."""

import io
from pathlib import Path

from PIL import Image

from convscope.classifier.reading import Reading
from convscope.data.pixels.reading import PixelFormat, as_array, decode_and_judge
from convscope.data.sources.contents import DiskFile
from convscope.errors import ConvscopeError
from convscope.notebook import Html, image

SIDE = 96
"""Pixels; shown at half of that, so that they are sharp on fine screens."""


def thumbnail(path: str) -> Html:
    """The image at a path, if it is there and can be read: whole, upright, as training would see it."""
    if not Path(path).is_file():
        return Html("")
    form = PixelFormat((SIDE, SIDE), 3, "pad", Reading())
    try:
        pixels, _ = decode_and_judge(DiskFile(Path(path)).read(), form)
    except (ConvscopeError, OSError):  # it has changed since, or lies in an archive
        return Html("")
    file = io.BytesIO()
    Image.fromarray(as_array(pixels).transpose(1, 2, 0)).save(file, "PNG")
    return image(file.getvalue(), path)
