"""A picture that shows itself in a notebook, keeps the numbers it was drawn from, and can be saved."""

import base64
import io
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from convscope.errors import UsageError
from convscope.report.charts.vector import AnyChart, svg_to_png, to_svg


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """What `look` returns: numbers, and a drawing of them."""

    array: NDArray[Any]
    """The numbers that were drawn."""
    drawing: Image.Image | AnyChart
    """A picture of pixels, or a chart."""
    alt: str
    """What can be seen on it, in words."""
    caption: str = ""
    """What was found; stands under it."""

    @property
    def svg(self) -> str:
        """As an SVG document; a picture of pixels is wrapped in one."""
        if not isinstance(self.drawing, Image.Image):
            return to_svg(self.drawing)
        width, height = self.drawing.size
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width // 2}" height="{height // 2}" role="img" aria-label="{escape(self.alt)}">'
            f'<image width="{width}" height="{height}" href="{_uri(self.png)}"/></svg>'
        )

    @property
    def png(self) -> bytes:
        """As a PNG file, at twice the size at which it is read."""
        if not isinstance(self.drawing, Image.Image):
            return svg_to_png(to_svg(self.drawing), scale=2.0)
        file = io.BytesIO()
        self.drawing.save(file, "PNG", optimize=True)
        return file.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the picture as .png or .svg, by the name's ending.

        Raises:
            UsageError: for another ending.
        """
        target = Path(path)
        match target.suffix.lower():
            case ".png":
                target.write_bytes(self.png)
            case ".svg":
                target.write_text(self.svg, encoding="utf-8")
            case ending:
                raise UsageError(
                    f"{target}: a picture is saved as .png or .svg, not as {ending or 'a nameless kind'}"
                )
        return target

    def __repr__(self) -> str:
        return f"Picture({self.alt}{': ' if self.caption else ''}{self.caption})"

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_html_(self) -> str:
        width = f' width="{self.drawing.width // 2}"' if isinstance(self.drawing, Image.Image) else ""
        source = _uri(self.png) if isinstance(self.drawing, Image.Image) else _svg_uri(self.svg)
        image = f'<img src="{source}" alt="{escape(self.alt)}"{width} style="max-width: 100%">'
        if not self.caption:
            return image
        return f"<figure>{image}<figcaption>{escape(self.caption)}</figcaption></figure>"


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _svg_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"
