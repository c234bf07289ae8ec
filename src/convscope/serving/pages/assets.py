"""Style and scripts: the files that came with convscope, found when the server starts, and no others."""

from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

from convscope.report.layers.style import style
from convscope.report.palette import DARK, LIGHT

router = APIRouter(include_in_schema=False)

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent, with a tag that changes with its content."""

    content: bytes
    type: str

    @property
    def tag(self) -> str:
        """As browsers send it back."""
        return f'"{blake2b(self.content, digest_size=8).hexdigest()}"'


def palette_css() -> bytes:
    """The colours of report and charts as CSS variables, in light and dark."""

    def variables(colours: dict[str, str]) -> str:
        return " ".join(f"--{name}: {colour};" for name, colour in colours.items())

    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}"
    return f":root {{ {variables(LIGHT)} }}\n{dark}\n".encode()


def _find() -> dict[str, Asset]:
    folder = Path(__file__).parents[1] / "static"
    found = {
        path.name: Asset(path.read_bytes(), TYPES[path.suffix])
        for path in folder.iterdir()
        if path.suffix in TYPES
    }
    return {**found, **_of_report(), "palette.css": Asset(palette_css(), TYPES[".css"])}


def _of_report() -> dict[str, Asset]:
    """The report's own style, for what stands in an element of class `report`, and its script."""
    templates = files("convscope.report.page") / "templates"
    of_page = f".report {{\n{(templates / 'report.css').read_text(encoding='utf-8')}\n{style()}\n}}\n"
    return {
        "report.css": Asset(of_page.encode(), TYPES[".css"]),
        "steps.css": Asset(style().encode(), TYPES[".css"]),
        "report.js": Asset((templates / "report.js").read_bytes(), TYPES[".js"]),
    }


ASSETS: Final = _find()


@router.get("/static/{name}")
async def asset(name: str, request: Request) -> Response:
    """One of the files, or 304 where the browser has it."""
    found = ASSETS.get(name)
    if found is None:
        raise HTTPException(404, "there is no such file")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.type)
