"""The page Try it: images that are dropped, pasted, chosen or drawn, and what the classifier makes of them.

What is sent is answered and forgotten. Without a script the page is a form.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.requests import ClientDisconnect

from convscope.documents import plain
from convscope.serving.api.admission import RETRY_AFTER, BusyError, SlowError
from convscope.serving.api.predictor import Predictor
from convscope.serving.api.uploads import Upload, read_uploads
from convscope.serving.pages.rendering import render, render_part
from convscope.serving.workbench import Workbench

if TYPE_CHECKING:
    from convscope.serving.lens.trying import Trying

router = APIRouter(include_in_schema=False)

Source = Literal["file", "drawing", "pixels"]
Shift = Annotated[float, Query(ge=-4096, le=4096)]
Side = Annotated[int, Query(ge=-4096, le=4096)]


@router.get("/runs/{run}/try")
def try_it(request: Request, run: str) -> HTMLResponse:
    """The empty page: where to draw, and where to drop."""
    return _page(request, run, None)


@router.post("/runs/{run}/try")
async def sent(request: Request, run: str, source: Source = "file") -> Response:
    """The page with the answer to the file of its form, for a browser without scripts."""
    async with _upload(request) as upload:
        return await asyncio.to_thread(lambda: _page(request, run, _answer(request, run, upload, source)))


@router.post("/api/v1/runs/{run}/try")
async def answer(
    request: Request,
    run: str,
    source: Source = "file",
    right: Shift = 0,
    down: Shift = 0,
    angle: Annotated[float, Query(ge=-360, le=360)] = 0,
    brightness: Annotated[float, Query(ge=0, le=16)] = 1,
    left: Side = 0,
    top: Side = 0,
    side: Annotated[int, Query(ge=0, le=4096)] = 0,
    whole: bool = True,
    path: bool = False,
) -> Response:
    """What the classifier says of an image; when whole also where it looked, and what is alike."""
    change = {"right": right, "down": down, "angle": angle, "brightness": brightness}
    async with _upload(request) as upload:
        found = await asyncio.to_thread(
            lambda: _answer(
                request, run, upload, source, is_whole=whole, has_path=path, cover=(left, top, side), **change
            )
        )
    shown = {
        "prediction": found["prediction"],
        "pixels": found["pixels"],
        "done": found["done"],
        "answer": render_part("try_answer.html", found=found),
        "more": render_part("try_more.html", found=found) if whole else None,
        "path": found["path"],
    }
    return Response(json.dumps(plain(shown)), media_type="application/json")


def _answer(
    request: Request,
    run: str,
    upload: Upload,
    source: Source,
    *,
    is_whole: bool = True,
    has_path: bool = False,
    **change: Any,
) -> dict[str, Any]:
    from convscope.serving.lens.trying import Change

    trying = _trying(request, run)
    seen, done, lost = trying.see(upload.content, source)
    pixels = trying.changed(seen, Change(**change))
    found = trying.answer(pixels, name=upload.name, is_whole=is_whole)
    path = str(trying.path(pixels)) if has_path else None
    return {**found, "done": list(done), "lost": lost, "name": upload.name, "path": path}


def _trying(request: Request, run: str) -> Trying:
    from convscope.serving.lens.trying import Trying

    workbench: Workbench = request.app.state.workbench
    return Trying(request.app.state.lenses.of(workbench.subject(run)))


def _page(request: Request, run: str, found: dict[str, Any] | None) -> HTMLResponse:
    workbench: Workbench = request.app.state.workbench
    entry = workbench.find(run)
    trying = _trying(request, run)
    channels, height, width = trying.shape
    return render(
        "try_it.html",
        run=entry,
        tab="try",
        found=found,
        channels=channels,
        height=height,
        width=width,
        is_drawn=trying.style is not None,
        is_number=not trying.class_names,
    )


@asynccontextmanager
async def _upload(request: Request) -> AsyncIterator[Upload]:
    """The first image of a request; it stays in memory, and has its place there, until it is answered."""
    predictor: Predictor = request.app.state.predictor
    try:
        with predictor.admission.one() as place:
            yield (await read_uploads(request, place))[0]
    except BusyError:
        raise HTTPException(503, "too many wait already", {"Retry-After": str(RETRY_AFTER)}) from None
    except SlowError:
        raise HTTPException(408, "the image took too long to arrive", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "the image did not arrive") from None
