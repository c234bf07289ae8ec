"""`report.html`: everything about a run in one file that opens offline."""

import base64
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from convscope.diagnosis.rule import Diagnosis
from convscope.report.layers.style import style
from convscope.report.page import tables
from convscope.report.page.embed import file_uri, inline_svg, reading_width
from convscope.report.page.evidence import calibration_figure, regression_figure
from convscope.report.page.folds import fold_rows
from convscope.report.page.learning import curves, kept_words, milestones
from convscope.report.page.material import LookPicture, Material, read_material
from convscope.report.page.mistakes import mistakes
from convscope.report.page.network import network_section, short_count
from convscope.report.page.way import way_section
from convscope.report.palette import DARK, LIGHT
from convscope.report.wording import Opening, interval, number, opening, percent
from convscope.runs.folder import Run
from convscope.wording import duration

NAME = "report.html"

# Characters for the pictures of `convscope look`; with the images of errors the page stays below 10 MB.
_LOOK_BUDGET = 4_000_000
_SPRITE_BUDGET = 600_000  # for each file of the images of a plane's points

_TALL = 1.3  # as high as it is wide, and this much more

_VIEW_BOX = re.compile(r'viewBox="[\d.-]+ [\d.-]+ (?P<width>[\d.]+) (?P<height>[\d.]+)"')
_HEADED = re.compile(r'<section id="([\w-]+)"[^>]*>\s*<h2[^>]*>(.*?)</h2>', re.DOTALL)


def write_report(run_path: Path) -> Path:
    """Write `report.html` into a run folder, from the folder alone; whole or not at all.

    A run that was interrupted gets a report of what there is.

    Returns:
        The file's path.

    Raises:
        RunError: when the folder is not a run, a file in it is damaged, or the disk refuses.
    """
    page = render_report(read_material(run_path))
    run = Run.open(run_path)
    # Bytes of a path that are no text are written as escapes, so that the page stays one.
    run.write_bytes(NAME, page.encode("utf-8", "backslashreplace"))
    return run.path / NAME


@dataclass(frozen=True, kw_only=True)
class Content:
    """A run's report, as what other pages of it can show too: HTML, and what it says above it.

    Attributes:
        body: the sections.
        contents: of each section its anchor and heading.
        opening: the first lines.
        figures: the handful of numbers under them, each with its name.
        sprites: data URIs that the sections' drawings refer to, by name.
    """

    body: Markup
    contents: Sequence[tuple[str, str]]
    opening: Opening
    figures: Sequence[tuple[str, str]]
    sprites: Mapping[str, str]


def report_content(material: Material) -> Content:
    """Draw everything that a report shows."""
    context = _context(material)
    body = _environment().get_template("sections.html.j2").render(context)
    return Content(
        body=Markup(body),
        contents=_contents(body),
        opening=opening(material),
        figures=tables.figures(material),
        sprites=context["sprites"],
    )


def render_report(material: Material) -> str:
    """The report as one HTML document."""
    content, script = report_content(material), _script()
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            run=material.path.resolve().name,
            light=LIGHT,
            dark=DARK,
            content=content,
            script=Markup(script),
            allowed=allowed,
            steps_style=Markup(style()),
        )
    )


def _script() -> str:
    """What makes the sections answer to pointer and keys; they read without it."""
    return str(_environment().get_template("report.js").render()).strip()


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("convscope.report.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        interval=interval,
        number=number,
        duration=duration,
        capital=_capital,
        count=short_count,
        whole=_whole,
    )
    return environment


def _contents(body: str) -> list[tuple[str, str]]:
    """The sections that the page has, each with its anchor and heading."""
    return _HEADED.findall(body)


def _capital(text: str) -> str:
    """With its first letter as a sentence has it."""
    return text[:1].upper() + text[1:]


def _whole(text: str) -> Markup:
    """With flags that no line breaks."""
    return Markup(re.sub(r"--[\w-]+", r'<span class="whole">\g<0></span>', str(escape(text))))


def _context(material: Material) -> dict[str, Any]:
    judged = material.judged
    classified = judged if judged is not None and not material.is_regression else None
    measured = judged if material.is_regression else None
    wrong = mistakes(material, classified) if classified else None
    return {
        "folds": fold_rows(material),
        "network": network_section(Run(material.path)),
        "way": way_section(material),
        "sprites": _sprites(material),
        "milestones": milestones(material),
        "kept": kept_words(material),
        "choices": material.choices,
        "curves": curves(material),
        "is_regression": material.is_regression,
        "judged": "" if judged is None else "images held out" if judged.folds else f"{judged.split} images",
        "split": "" if judged is None else "held out" if judged.folds else judged.split,
        "findings": [finding for finding in material.findings if finding.severity != "fine"],
        "diagnosis": material.diagnosis,
        "asked": _asked(material.diagnosis),
        "mistakes": wrong,
        "anchors": {cell.anchor for cell in wrong.cells} if wrong else set(),
        "classes": tables.class_table(material, classified) if classified else None,
        "calibration": calibration_figure(classified) if classified else None,
        "regression": regression_figure(measured, material) if measured else None,
        "look": _look(material),
        "data": tables.data_rows(material),
        "notes": material.dataset.get("notes") or [],
        "quarantined": material.dataset.get("quarantined") or [],
        "command": tables.command(material),
        "configuration": tables.nested_rows(material.config),
        "environment": tables.environment_rows(material),
    }


def _asked(found: Diagnosis | None) -> list[tuple[str, str]]:
    """Each question of a diagnosis that found nothing, with what was looked at, or why it was not asked."""
    if found is None:
        return []
    passed = [(each.name, each.said) for each in found.passed]
    return passed + [(each.name, f"not asked: {each.reason}") for each in found.skipped]


def _sprites(material: Material) -> dict[str, str]:
    """Of each file that holds the images of a plane's points its content, once; nothing beyond the budget."""
    paths = {each.sprite.path.name: each.sprite.path for each in material.look if each.sprite}
    uris = {name: file_uri(path) for name, path in sorted(paths.items())}
    return {name: uri for name, uri in uris.items() if len(uri) <= _SPRITE_BUDGET}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A picture of `convscope look` on the page: a drawing, an image, or neither where there was no room."""

    picture: LookPicture
    svg: str = ""
    uri: str = ""
    width: int | None = None
    """Of an image in reading."""

    @property
    def is_tall(self) -> bool:
        """Whether a drawing is too tall to share a sheet of paper with another one."""
        box = _VIEW_BOX.search(self.svg)
        return box is not None and float(box["height"]) > _TALL * float(box["width"])


def _look(material: Material) -> list[Looked]:
    left = _LOOK_BUDGET
    shown: list[Looked] = []
    for place, picture in enumerate(material.look):
        svg = inline_svg(picture.path, f"look{place}") or ""
        uri = "" if svg else file_uri(picture.path)
        size = len(svg) + len(uri)
        if size > left:
            shown.append(Looked(picture=picture))
            continue
        left -= size
        shown.append(Looked(picture=picture, svg=svg, uri=uri, width=reading_width(picture.path)))
    return shown
