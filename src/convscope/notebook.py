"""How values show themselves in a notebook: plain HTML in the notebook's own colours, light or dark.

Nothing here knows whether the page is dark: text has the page's colour, what is quiet is that colour thinned,
and the one hue of bars is readable on both. Styles stand in the elements, since a notebook
that is not trusted drops style sheets.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape

from convscope.wording import legible

BLUE = "#4a8fd8"
QUIET = "opacity: .7"
_CELL = "padding: .15em .9em .15em 0; border: 0; background: none; vertical-align: middle"
_TEXT = "text-align: left"
_NUMBER = "text-align: right; font-variant-numeric: tabular-nums"


def box(*parts: str) -> str:
    """All of a value's HTML, in one element."""
    return f'<div class="convscope" style="line-height: 1.45; max-width: 60em">{"".join(parts)}</div>'


def title(text: str, beside: str = "") -> str:
    """What the value is, and fainter beside it what belongs to that."""
    quiet = f' <span style="{QUIET}">{said(beside)}</span>' if beside else ""
    return f'<p style="margin: .2em 0"><b>{said(text)}</b>{quiet}</p>'


def line(text: str) -> str:
    """A sentence."""
    return f'<p style="margin: .2em 0">{said(text)}</p>'


def labelled(lines: Iterable[tuple[str, ...]]) -> str:
    """Labels, what they say, and fainter why: the lines of the screen as a table."""
    rows = []
    for label, value, *reasons in lines:
        why = "".join(f' <span style="{QUIET}">&ensp;{said(reason)}</span>' for reason in reasons if reason)
        rows.append(
            f'<tr style="background: none"><th scope="row" style="{_CELL}; {_TEXT}; vertical-align: top">'
            f'{said(label)}</th><td style="{_CELL}; {_TEXT}">{said(value)}{why}</td></tr>'
        )
    return _table("".join(rows))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, first_numbers: int = 1) -> str:
    """A table of texts and of `Html`, which is not escaped; from column `first_numbers` on to the right."""

    def cell(tag: str, place: int, text: str) -> str:
        way = _NUMBER if place >= first_numbers else _TEXT
        shown = text if isinstance(text, Html) else said(text)
        return f'<{tag} style="{_CELL}; {way}">{shown}</{tag}>'

    top = "".join(cell("th", place, name) for place, name in enumerate(head))
    body = "".join(
        f'<tr style="background: none">{"".join(cell("td", p, text) for p, text in enumerate(row))}</tr>'
        for row in rows
    )
    return _table(f'<tr style="background: none">{top}</tr>{body}')


class Html(str):
    """Markup, where a text would be escaped."""

    __slots__ = ()


def bar(share: float) -> Html:
    """A share, 0 to 1, as a short bar."""
    width = 6 * min(1.0, max(0.0, share))
    return Html(
        '<span style="display: inline-block; width: 6em; height: .6em; background: rgba(128, 128, 128, .25)">'
        f'<span style="display: block; width: {width:.2f}em; height: 100%; background: {BLUE}"></span></span>'
    )


def image(png: bytes, alt: str, height: int = 48) -> Html:
    """A small picture, `height` pixels high."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return Html(
        f'<img src="{source}" alt="{said(alt)}" style="height: {height}px; margin: 0; display: block">'
    )


def folded(summary: str, inner: str) -> str:
    """What is there for who asks."""
    return f'<details style="margin: .3em 0"><summary>{said(summary)}</summary>{inner}</details>'


def said(text: str) -> str:
    """A text of whatever kind, fit to stand in HTML."""
    return escape(legible(text))


def _table(rows: str) -> str:
    return (
        '<div style="overflow-x: auto"><table style="border-collapse: collapse; margin: .3em 0; border: 0">'
        f"{rows}</table></div>"
    )


def aligned(lines: Iterable[tuple[str, ...]]) -> str:
    """Labels and what they say as text, in two columns: how `print` shows what `labelled` shows."""
    found = [(label, "    ".join(part for part in parts if part)) for label, *parts in lines]
    width = max((len(label) for label, _ in found), default=0)
    return "\n".join(f"{label:<{width}}  {text}".rstrip() for label, text in found)


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], *, first_numbers: int = 1) -> str:
    """A table as text: from column `first_numbers` on to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[place]) for row in lines) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if place >= first_numbers else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in lines
    )
