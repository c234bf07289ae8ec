"""The page of a run: what was found first, then everything that its report shows; live while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from convscope.errors import RunError
from convscope.runs.advice import resume_command
from convscope.serving.kept import Kept, stamp
from convscope.serving.pages.rendering import render
from convscope.serving.pages.rows import line_of
from convscope.serving.workbench import Entry, Workbench

if TYPE_CHECKING:
    from convscope.report.page.html import Content

router = APIRouter(include_in_schema=False)

KEPT = 8
"""Reports whose drawings are kept: each takes up to some megabytes, and most of a second to draw."""

FILES = ("", "predictions", "look", "folds", "metrics.jsonl")
"""What changes when a report does."""


@router.get("/runs/{run}")
def run_page(run: str, request: Request) -> HTMLResponse:
    """One run."""
    workbench: Workbench = request.app.state.workbench
    reports: Kept[Content] = request.app.state.reports
    entry = workbench.find(run)
    content, why = None, ""
    try:
        content = reports.get((entry.run.path, stamp(entry.run.path, *FILES)), lambda: _content(entry))
    except RunError as error:  # a damaged file: the page says which
        why = str(error)
    return render(
        "run.html",
        run=entry,
        tab="",
        line=line_of(entry),
        content=content,
        why=why,
        resume=resume_command(entry.run.path),
    )


def _content(entry: Entry) -> Content:
    from convscope.report.page.html import report_content
    from convscope.report.page.material import read_material

    return report_content(read_material(entry.run.path))
