"""A drawing of pixels and words, as SVG: its words stay words, and a page gives it light or dark paper.

Lengths are in pixels at twice the size at which a drawing is read, so that pictures in it stay sharp.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import vl_convert
from PIL import Image

from convscope.errors import UsageError
from convscope.report.palette import FACE, LIGHT
from convscope.report.paper.lettering import printable

_MOST_PNG_BYTES = 16_000  # of a picture inside a drawing; a photograph is smaller as JPEG
_JPEG_QUALITY = 86
_ON_LIGHT, _ON_DARK = "#141413", "#f6f5f1"  # on pictures, whatever the paper


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """Marks on paper.

    Attributes:
        width, height: at twice the size in reading.
        marks: SVG elements, from the back to the front.
    """

    width: int
    height: int
    marks: tuple[str, ...]

    def svg(self, alt: str = "") -> str:
        """As a document of its own, on white paper.

        Args:
            alt: what can be seen, in words.
        """
        named = f' role="img" aria-label="{escape(printable(alt))}"' if alt else ""
        paper = f'<rect width="{self.width}" height="{self.height}" fill="{LIGHT["paper"]}"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width / 2:g}" height="{self.height / 2:g}" font-family="{FACE}"{named}>'
            f"{paper}{''.join(self.marks)}</svg>"
        )

    def raster(self) -> Image.Image:
        """As pixels, at twice the size in reading."""
        return Image.open(io.BytesIO(vl_convert.svg_to_png(self.svg(), scale=2.0))).convert("RGB")

    def save(self, path: Path) -> None:
        """Write it as .png or .svg, by the name's ending.

        Raises:
            UsageError: for another ending.
        """
        match path.suffix.lower():
            case ".svg":
                path.write_text(self.svg(), encoding="utf-8")
            case ".png":
                self.raster().save(path, "PNG", optimize=True)
            case ending:
                said = ending or "a nameless kind"
                raise UsageError(f"{path}: a picture is saved as .png or .svg, not as {said}")


def beside(drawings: Sequence[Drawing]) -> Drawing:
    """Drawings side by side on one paper."""
    marks, left = [], 0
    for drawing in drawings:
        marks.append(f'<g transform="translate({left} 0)">{"".join(drawing.marks)}</g>')
        left += drawing.width
    return Drawing(width=left, height=max(each.height for each in drawings), marks=tuple(marks))


def words(corner: tuple[float, float], text: str, size: int, colour: str = "ink") -> str:
    """One line of text, by its upper left corner, in a colour of the palette."""
    x, y = corner
    return (
        f'<text x="{x:g}" y="{y + size:g}" font-size="{size}" fill="{LIGHT[colour]}">'
        f"{escape(printable(text))}</text>"
    )


def frame(corner: tuple[float, float], size: tuple[float, float], colour: str, width: float = 1) -> str:
    """A rectangle's outline, drawn inside its corners."""
    x, y = (place + width / 2 for place in corner)
    wide, high = (length - width for length in size)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" fill="none" '
        f'stroke="{LIGHT[colour]}" stroke-width="{width:g}"/>'
    )


def dashed(corner: tuple[float, float], box: tuple[float, float, float, float]) -> str:
    """The outline of a box (left, top, right, bottom) seen from a corner, on whatever ground."""
    x, y = corner
    left, top, right, bottom = box
    shape = f'x="{x + left:g}" y="{y + top:g}" width="{right - left:g}" height="{bottom - top:g}" fill="none"'
    white = f'<rect {shape} stroke="{_ON_DARK}" stroke-width="2"/>'
    return f'{white}<rect {shape} stroke="{_ON_LIGHT}" stroke-width="2" stroke-dasharray="6 6"/>'


def stroke(points: Sequence[tuple[float, float]], colour: str, width: float) -> str:
    """A line through points."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{LIGHT[colour]}" stroke-width="{width:g}"/>'


def pixels(corner: tuple[float, float], picture: Image.Image, opacity: float = 1.0) -> str:
    """A picture at its own size: exact where that is small, as photographs are not."""
    x, y = corner
    media, content = "png", _saved(picture, "PNG", optimize=True)
    if len(content) > _MOST_PNG_BYTES:
        smaller = _saved(picture.convert("RGB"), "JPEG", quality=_JPEG_QUALITY, optimize=True)
        if len(smaller) < len(content):
            media, content = "jpeg", smaller
    uri = f"data:image/{media};base64,{base64.b64encode(content).decode('ascii')}"
    faded = "" if opacity == 1 else f' opacity="{opacity:g}"'
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<image x="{x:g}" y="{y:g}" {size}{faded} href="{uri}"/>'


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
