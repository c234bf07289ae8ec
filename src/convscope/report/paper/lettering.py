"""Words as pictures, in the charts' typeface.

Class names need more letters than the typeface inside Pillow has: it knows no é, no ü, no minus sign. The one
inside vl-convert does, and falls back on the system's for other scripts.
"""

import io
from functools import lru_cache
from html import escape
from typing import Final

import vl_convert
from PIL import Image

from convscope.report.palette import FACE

LINE: Final = 1.3
"""Height of a line of text, in text sizes."""


@lru_cache(maxsize=4096)
def word(text: str, size: int, colour: str) -> Image.Image:
    """Text on transparent ground, one line high and as wide as its letters.

    Args:
        text: one line.
        size: the type's size in pixels.
        colour: as "#rrggbb".
    """
    height = round(size * LINE)
    room = (len(text) + 2) * size * 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{room}" height="{height}">'
        f'<text x="0" y="{size}" font-family="{FACE}" font-size="{size}" fill="{colour}">'
        f"{escape(printable(text))}</text></svg>"
    )
    drawn = Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=1.0))).convert("RGBA")
    box = drawn.getchannel("A").getbbox()
    return drawn.crop((0, 0, box[2] if box else 1, height))


def width_of(text: str, size: int) -> int:
    """How many pixels a text takes."""
    return word(text, size, "#000000").width


def shortened(text: str, room: float, size: int) -> str:
    """The text, or as much of both its ends as `room` pixels hold: long names often differ at their end."""
    whole = width_of(text, size)
    if whole <= room:
        return text
    kept = min(len(text) - 1, int(len(text) * room / whole) + 1)
    while kept > 2 and width_of(_without_middle(text, kept), size) > room:
        kept -= 1
    return _without_middle(text, kept)


def _without_middle(text: str, kept: int) -> str:
    start = kept - kept // 2
    return f"{text[:start].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"


def printable(text: str) -> str:
    """The text without control characters, which would make an SVG no XML."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
