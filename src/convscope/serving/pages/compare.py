"""The page of differences: which of several runs is better, or luck; and the images on which they differ."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from convscope.errors import ConvscopeError
from convscope.runs.folder import SUMMARY
from convscope.runs.listing import seed_runs
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
    asked = list(dict.fromkeys(runs))
    paths = [workbench.find_side(run) for run in asked]
    content, why = None, _refusal(asked)
    if not why:
        try:
            content = request.app.state.compared.content(paths)
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


class Compared:
    """The comparisons that were made last, for as long as their runs are what they were."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Content] = OrderedDict()
        self._turn = threading.Lock()

    def content(self, paths: Sequence[Path]) -> Content:
        """As `comparison_content`.

        Raises:
            ConvscopeError: they cannot be compared, and why.
        """
        from convscope.comparison.several import compare_all
        from convscope.report.comparing.page import comparison_content

        key = tuple(itertools.chain(paths, map(_stamp, paths)))
        with self._turn:
            if key not in self._kept:
                self._kept[key] = comparison_content(compare_all(paths))
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when a run of it is finished anew."""
    return tuple(_time_of(run / SUMMARY) for run in (seed_runs(path) or [path]))


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
