"""From a template and what it shows to an answer."""

import functools
from collections.abc import Hashable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

_environment = Environment(
    loader=PackageLoader("convscope.serving", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["address"] = lambda name: quote(str(name), safe="")
"""A name as part of an address: `{{ run.id | address }}`."""


def render(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **shown: Any
) -> HTMLResponse:
    """A page.

    Args:
        template: its file's name in `templates/`.
        status, headers: of the answer.
        shown: what the template names.
    """
    page = _environment.get_template(template).render(**shown)
    # Bytes of a path that are no text are written as escapes, as in a report's file.
    return HTMLResponse(
        page.encode("utf-8", "backslashreplace"), status, {"Cache-Control": "no-store", **(headers or {})}
    )


@functools.lru_cache(maxsize=4096)
def row_html(line: Hashable) -> str:
    """A line of the list of runs, which is made again only when the line is another."""
    return _environment.get_template("row.html").render(line=line)


def render_part(template: str, **shown: Any) -> str:
    """A part of a page, for a script that puts it in its place."""
    return _environment.get_template(template).render(**shown)
