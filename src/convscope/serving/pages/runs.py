"""The first page: the runs of the folder, to be sorted, found and compared; it follows what happens."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from convscope.serving.journal import Journal
from convscope.serving.pages.rendering import render, row_html
from convscope.serving.pages.rows import DESCENDING, SORTS, STATES, Line, chosen, lowest
from convscope.serving.workbench import Workbench
from convscope.wording import here

router = APIRouter(include_in_schema=False)

SHOWN = 100
"""Lines that are shown at first; a button shows the others."""


@router.get("/")
def runs(request: Request, q: str = "", state: str = "", sort: str = "") -> HTMLResponse:
    """All runs, each leading to its own page; what the address asks holds without a script, too."""
    workbench: Workbench = request.app.state.workbench
    journal: Journal = request.app.state.journal
    lines, version = journal.lines()
    wanted = chosen(lines, words=q, state=state, sort=sort)
    return render(
        "runs.html",
        folder=here(workbench.folder),
        version=version,
        rows=[_row(line, place >= SHOWN) for place, line in enumerate(wanted)],
        num_lines=len(lines),
        num_shown=SHOWN,
        lowest=lowest(lines),
        words=q,
        state=state if state in STATES else "",
        states=STATES,
        sort=sort if sort in SORTS else SORTS[0],
        descending=DESCENDING,
    )


def _row(line: Line, is_hidden: bool) -> Markup:
    html = row_html(line)
    return Markup(html.replace("<tbody ", "<tbody hidden ", 1) if is_hidden else html)
