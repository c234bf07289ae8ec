"""The page of a run: what was found first, then everything that its report shows; live while it trains."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from convscope.errors import RunError
from convscope.runs.advice import resume_command
from convscope.serving.pages.rendering import render
from convscope.serving.pages.rows import line_of
from convscope.serving.workbench import Entry, Workbench

if TYPE_CHECKING:
    from convscope.report.page.html import Content

router = APIRouter(include_in_schema=False)

KEPT = 8
"""Pages whose drawings are kept: each takes up to some megabytes, and most of a second to draw."""


@router.get("/runs/{run}")
def run_page(run: str, request: Request) -> HTMLResponse:
    """One run."""
    workbench: Workbench = request.app.state.workbench
    entry = workbench.find(run)
    drawn: Drawn = request.app.state.drawn
    content, why = None, ""
    try:
        content = drawn.content(entry)
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


class Drawn:
    """The reports that were drawn last; one whose run changed is drawn again. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[object, Content]] = OrderedDict()
        self._turn = threading.Lock()

    def content(self, entry: Entry) -> Content:
        """The sections of a run's report.

        Raises:
            RunError: a file of the run is damaged.
        """
        from convscope.report.page.html import report_content
        from convscope.report.page.material import read_material

        with self._turn:  # one is drawn at a time: to draw takes a core
            stamp = _stamp(entry)
            known = self._kept.get(entry.id)
            if known is None or known[0] != stamp:
                self._kept[entry.id] = (stamp, report_content(read_material(entry.run.path)))
            self._kept.move_to_end(entry.id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[entry.id][1]


def _stamp(entry: Entry) -> object:
    """Changes whenever a file does that the report is made of: files are replaced, so their folders tell."""
    path = entry.run.path
    parts = ("", "predictions", "look", "folds", "metrics.jsonl")
    return tuple(_time_of(path / part) for part in parts)


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
