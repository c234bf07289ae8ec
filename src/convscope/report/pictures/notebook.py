"""A picture that shows itself in a notebook, keeps the numbers it was drawn from, and can be saved."""

import hashlib
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from convscope.errors import UsageError
from convscope.report.charts.vector import AnyChart, svg_to_png, to_svg
from convscope.report.palette import ANY_PAGE, themed
from convscope.report.paper.drawing import Drawing


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """What `look` returns: numbers, and a drawing of them."""

    array: NDArray[Any]
    """The numbers that were drawn."""
    drawing: Drawing | AnyChart
    """A sheet of pictures, or a chart."""
    alt: str
    """What can be seen on it, in words."""
    caption: str = ""
    """What was found; stands under it."""

    @property
    def svg(self) -> str:
        """As an SVG document."""
        return self.drawing.svg(self.alt) if isinstance(self.drawing, Drawing) else to_svg(self.drawing)

    @property
    def png(self) -> bytes:
        """As a PNG file, at twice the size at which it is read."""
        return svg_to_png(self.svg, scale=2.0)

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
        image = inlined(self.svg, self.alt)
        if not self.caption:
            return image
        return f"<figure>{image}<figcaption>{escape(self.caption)}</figcaption></figure>"


def inlined(svg: str, alt: str = "") -> str:
    """An SVG document as a part of a page, in the colours of that page; its names are no other drawing's."""
    own = hashlib.blake2b(svg.encode(), digest_size=4).hexdigest()
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>d{own}-", themed(svg))
    said = (
        f' role="img" aria-label="{escape(alt)}"' if alt and "aria-label=" not in svg[: svg.find(">")] else ""
    )
    svg = svg.replace("<svg ", f'<svg style="max-width: 100%; height: auto"{said} ', 1)
    colours = "; ".join(f"--{name}: {colour}" for name, colour in ANY_PAGE.items())
    return f'<div style="{colours}">{svg}</div>'
