"""The first page: the runs of the folder."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from convscope.serving.pages.rendering import render
from convscope.serving.workbench import Workbench
from convscope.wording import here

router = APIRouter(include_in_schema=False)


@router.get("/")
def runs(request: Request) -> HTMLResponse:
    """All runs, each leading to its own page."""
    workbench: Workbench = request.app.state.workbench
    return render("runs.html", folder=here(workbench.folder), entries=workbench.entries())
