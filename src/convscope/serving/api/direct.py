"""Predictions on a shorter way: what is asked most often does not pass the framework's routing.

FastAPI finds a route among all, solves its dependencies and keeps stacks of what they opened: of small images
at 64 clients, a third of the event loop's time as a profile showed it. The route is declared there as
any other, and documented; from a request to the same function leads this way.
"""

import re

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from convscope.errors import ConvscopeError
from convscope.serving.api.predict import predict
from convscope.serving.refusals import refusal_of
from convscope.serving.safety import App, Receive, Scope, Send

_PREDICT = re.compile(r"/api/v1/runs/([^/]+)/predict")


class Direct:
    """ASGI middleware: answers predictions itself, and passes on everything else."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = _PREDICT.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if asked is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        response: Response
        try:
            response = await predict(asked[1], request)
        except (ConvscopeError, HTTPException) as error:
            response = refusal_of(request, error)
        await response(scope, receive, send)
