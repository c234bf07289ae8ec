"""The page of differences: which of several runs is better, or luck; and the images on which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from convscope.errors import ConvscopeError
from convscope.runs.folder import SUMMARY
from convscope.runs.listing import seed_runs
from convscope.serving.kept import Kept, stamp
from convscope.serving.pages.rendering import render
from convscope.serving.pages.rows import lines_of
from convscope.serving.workbench import Workbench
from convscope.wording import some

if TYPE_CHECKING:
    from markupsafe import Markup

    from convscope.report.comparing.page import Content

router = APIRouter(include_in_schema=False)

FEWEST, MOST = 2, 6
KEPT = 4
"""Comparisons whose drawings are kept."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The images of one heading, as HTML."""

    anchor: str
    heading: str
    count: int
    images: Markup


@router.get("/compare")
def compare(request: Request, runs: Annotated[list[str], Query()] = []) -> HTMLResponse:  # noqa: B006
    """Two to six runs, or groups of seeds, on the same images."""
    workbench: Workbench = request.app.state.workbench
    comparisons: Kept[Content] = request.app.state.comparisons
    asked = list(dict.fromkeys(runs))
    paths = [workbench.find_side(run) for run in asked]
    content, why = None, _refusal(asked)
    if not why:
        try:
            key = (*paths, *map(_stamp, paths))
            content = comparisons.get(key, lambda: _content(paths))
        except ConvscopeError as error:  # a reason that a reader can do something about
            why = str(error)
    return render(
        "compare.html",
        here="compare",
        lines=[line for line in lines_of(workbench) if line.can_be_compared],
        asked=asked,
        content=content,
        shown=[] if content is None else _shown(content),
        why=why,
    )


def _refusal(asked: Sequence[str]) -> str:
    if len(asked) > MOST:
        return f"{some(len(asked), 'run')} are more than stand beside each other here: six are the most."
    return "Tick two runs or more." if len(asked) < FEWEST else ""


def _shown(content: Content) -> list[Shown]:
    from convscope.report.comparing.page import render_images

    return [
        Shown(
            anchor="all-wrong" if own.which is None else f"only-{own.which + 1}",
            heading=own.heading,
            count=own.count,
            images=render_images(own),
        )
        for own in content.errors
    ]


def _content(paths: Sequence[Path]) -> Content:
    from convscope.comparison.several import compare_all
    from convscope.report.comparing.page import comparison_content

    return comparison_content(compare_all(paths))


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when a run of it is finished anew."""
    return tuple(time for run in (seed_runs(path) or [path]) for time in stamp(run, SUMMARY))
