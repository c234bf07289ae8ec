"""What is answered instead of an answer: in JSON below `/api`, else as a page."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from convscope.errors import ConvscopeError, DataError, UsageError
from convscope.serving.pages.rendering import render
from convscope.serving.workbench import UnknownRunError
from convscope.wording import legible


def explain_errors(app: FastAPI) -> None:
    """Let an application answer convscope's own errors, and those of its routes, in words."""

    async def explain(request: Request, error: Exception) -> Response:
        return refusal_of(request, error)

    for kind in (ConvscopeError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, explain)


def refusal_of(request: Request, error: Exception) -> Response:
    """What is answered where convscope, a route or a check of what was sent says no."""
    if isinstance(error, HTTPException):
        return refuse(request, error.status_code, str(error.detail), error.headers)
    if isinstance(error, RequestValidationError):
        return refuse(request, 422, _said(error))
    return refuse(request, _status_of(error), str(error))


def refuse(request: Request, status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says no, and why."""
    found = dict(headers or {})
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": legible(why)}, status, found)
    return render("error.html", status=status, headers=found, code=status, why=why)


def _status_of(error: Exception) -> int:
    if isinstance(error, UnknownRunError):
        return 404
    if isinstance(error, UsageError):
        return 422
    return 422 if isinstance(error, DataError) else 409


def _said(error: RequestValidationError) -> str:
    parts = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()]
    return "; ".join(parts)
