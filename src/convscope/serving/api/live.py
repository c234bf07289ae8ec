"""What happens while one looks, as server-sent events: the list of runs, and the record of one training.

Source: HTML Living Standard, section 9.2, "Server-sent events".
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from convscope.runs.standing import standing_of
from convscope.runs.tailing import Tail
from convscope.serving.journal import Journal
from convscope.serving.pages.rendering import row_html
from convscope.serving.pages.rows import lowest
from convscope.serving.workbench import Entry, Workbench

router = APIRouter(prefix="/api/v1", include_in_schema=False)

PAUSE = 0.5
"""Seconds between two looks."""

SILENCE = 30
"""Looks without news, after which a comment tells whoever stands between that the line is in use."""


@router.get("/live")
async def live(request: Request, since: str = "") -> StreamingResponse:
    """Each line of the list that is new or other than in the version `since`."""
    journal: Journal = request.app.state.journal
    version = request.headers.get("last-event-id") or since
    return _stream(_lines(request.app.state.workbench, journal, version))


@router.get("/runs/{run}/live")
async def live_run(run: str, request: Request) -> StreamingResponse:
    """The records of a run from the first on, and how it stands when that changes."""
    workbench: Workbench = request.app.state.workbench
    entry = await run_in_threadpool(workbench.find, run)
    return _stream(_records(workbench, entry))


async def _lines(workbench: Workbench, journal: Journal, version: str) -> AsyncIterator[str]:
    silent = 0
    while not workbench.closing.is_set():
        changes = await run_in_threadpool(journal.changes, version)
        if changes:
            lines, _ = await run_in_threadpool(journal.lines)
            rows = [{"id": line.id, "html": row_html(line)} for line in changes.lines]
            document = {"rows": rows, "gone": changes.gone, "lowest": lowest(lines)}
            yield _event("rows", document, changes.version)
            version, silent = changes.version, 0
        silent += 1
        if silent % SILENCE == 0:
            yield ": nothing new\n\n"
        await asyncio.sleep(PAUSE)


async def _records(workbench: Workbench, entry: Entry) -> AsyncIterator[str]:
    run = entry.run
    tail, before, silent = Tail(run.metrics_path), "", 0
    while not workbench.closing.is_set():
        # How it stands first: what was written before it ended is then surely read.
        standing = await run_in_threadpool(standing_of, run)
        news = await run_in_threadpool(tail.news)
        if news.records or news.is_anew:
            records = [_finite(record) for record in news.records]
            progress = replace(entry.listed, last=records[-1] if records else None).progress
            yield _event("records", {"anew": news.is_anew, "records": records, "progress": progress})
            silent = 0
        if standing != before:
            yield _event("standing", {"standing": standing, "before": before})
            before, silent = standing, 0
        silent += 1
        if silent % SILENCE == 0:
            yield ": nothing new\n\n"
        await asyncio.sleep(PAUSE)


def _stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event(name: str, document: dict[str, Any], id: str = "") -> str:
    line = f"id: {id}\n" if id else ""
    return f"event: {name}\n{line}data: {json.dumps(document, allow_nan=False)}\n\n"


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    """JSON has no nan and no infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }
