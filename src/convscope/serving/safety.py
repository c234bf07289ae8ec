"""Who may ask, and how much: every request passes here first, and every answer last.

Pages of other sites run in the same browser and reach this server too. What tells them apart: the `Host` that
the browser believes it asks (DNS rebinding gives another name to this address), the `Origin` and
`Sec-Fetch-Site` of the page that asks. Beyond this machine, only who has the token is answered.

Sources: the Fetch standard; Fetch Metadata (w3.org/TR/fetch-metadata); Content Security Policy 3.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from convscope.serving.listening import is_of_this_machine

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY: Final = 32 * 2**20
"""Bytes."""

DRAINED: Final = 64 * 2**20
"""Bytes."""

COOKIE: Final = "convscope_token"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # the drawings of charts carry style attributes
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may ask.

    Attributes:
        host: the address or name that the server listens on.
        token: what whoever asks must know; empty for a server of this machine alone.
    """

    host: str = "127.0.0.1"
    token: str = ""

    def allows_host(self, value: str) -> bool:
        """Whether a `Host` header names this server, and not another name that leads to its address."""
        match = _HOST.fullmatch(value)
        if match is None:
            return False
        name = match["name"].strip("[]").lower().removesuffix(".")
        if name in LOOPBACK or name == self.host.lower():
            return True
        # Beyond this machine it has names that only its network knows. Rebinding one of them gains nothing:
        # the page that does it has no token, and gets no cookie of another name.
        return bool(self.token) and not is_of_this_machine(self.host)

    def allows_token(self, value: str) -> bool:
        """Compared in a time that does not tell how much of it is right."""
        return hmac.compare_digest(value.encode(errors="replace"), self.token.encode())


class Safety:
    """ASGI middleware: refuses what must not be answered, limits bodies, adds headers to every answer."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks WebSocket
        headers = Headers(scope["headers"])
        exchange = _Exchange(scope, receive, send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            if refusal is TOO_LARGE and not headers.all(b"expect"):
                await _drain(receive)
            await refusal.send(scope, exchange.send)
            return
        if self._access.token and scope["method"] == "GET" and _query(scope, "token"):
            await _welcome(scope, self._access.token).send(scope, exchange.send)
            return
        if scope["method"] == "HEAD":  # as GET; the server itself leaves the body out
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.has_begun:
                await FAULT.send(scope, exchange.send)
            raise  # for the log

    def _refusal(self, scope: Scope, headers: "Headers") -> "Refusal | None":
        hosts = headers.all(b"host")
        if len(hosts) != 1 or not self._access.allows_host(hosts[0]):
            return Refusal(421, "this server answers to its own address alone")
        if not _is_own(scope["method"], headers, hosts[0]):
            return Refusal(403, "asked by a page of another site")
        if self._access.token and not self._knows_token(scope, headers):
            return Refusal(
                401,
                "the token is missing or wrong; open the address that convscope serve printed",
                ((b"www-authenticate", b"Bearer"),),
            )
        lengths = headers.all(b"content-length")
        if len(lengths) == 1 and lengths[0].isdecimal() and int(lengths[0]) > MAX_BODY:
            return TOO_LARGE
        return None

    def _knows_token(self, scope: Scope, headers: "Headers") -> bool:
        given = [value.removeprefix("Bearer ") for value in headers.all(b"authorization")]
        for cookie in headers.all(b"cookie"):
            given += _token_cookies(cookie)
        given += _query(scope, "token") if scope["method"] == "GET" else []
        return any(self._access.allows_token(value) for value in given)


class Headers:
    """Headers of a request, with all values of a name."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = list(raw)

    def all(self, name: bytes) -> list[str]:
        """Every value of a header, in the order in which they came; names are in lower case."""
        return [value.decode("latin-1") for key, value in self._raw if key == name]


@dataclass(frozen=True)
class Refusal:
    """An answer that says no, and why."""

    status: int
    why: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it. The connection is closed: a body that nobody read is not taken for the next request."""
        is_api = scope["path"].startswith("/api/")
        body = (json.dumps({"error": self.why}) if is_api else self.why).encode()
        headers = [
            (b"content-type", b"application/json" if is_api else b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


TOO_LARGE: Final = Refusal(413, f"a request's body may have {MAX_BODY // 2**20} MB")
FAULT: Final = Refusal(500, "this is a fault in convscope; the terminal that it runs in shows where")


class _Exchange:
    """One request and its answer: counts what comes in, and adds the headers to what goes out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._bytes = 0
        self._is_refused = False
        self.has_begun = False
        """Whether an answer was begun."""

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY and not self._is_refused:
            self._is_refused = True
            await _drain(self._receive)
            await TOO_LARGE.send(self._scope, self._send_with_headers)
        return {"type": "http.disconnect"} if self._is_refused else message

    async def send(self, message: Message) -> None:
        if not self._is_refused:  # what the application says after that has nobody to say it to
            await self._send_with_headers(message)

    async def _send_with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await self._send(message)


async def _drain(receive: Receive) -> None:
    """Throw away what a client still sends of a body that is too large, for else it does not hear why.

    Not without end: who sends much more is cut off.
    """
    thrown = 0
    while thrown <= DRAINED:
        message = await receive()
        thrown += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _is_own(method: str, headers: Headers, host: str) -> bool:
    """Whether this server's own pages ask, or a program, or somebody follows a link from elsewhere."""
    own = (f"http://{host}".lower(), f"https://{host}".lower())  # the latter behind a server with TLS
    if any(origin.lower() not in own for origin in headers.all(b"origin")):
        return False
    if all(site in ("same-origin", "none") for site in headers.all(b"sec-fetch-site")):
        return True
    follows = headers.all(b"sec-fetch-mode") == ["navigate"] and headers.all(b"sec-fetch-dest") == [
        "document"
    ]
    return method != "POST" and follows


def _query(scope: Scope, name: str) -> list[str]:
    """The values of a name in the address's query."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"))
    return [value for key, value in pairs if key == name]


def _welcome(scope: Scope, token: str) -> Refusal:
    """To the same page without the token in its address, which a cookie holds from now on."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in query if name != "token"])
    path = quote("/" + scope["path"].lstrip("/"))
    cookie = f"{COOKIE}={quote(token, safe='')}; Path=/; HttpOnly; SameSite=Strict"
    place = path + (f"?{rest}" if rest else "")
    return Refusal(303, "", ((b"location", place.encode()), (b"set-cookie", cookie.encode())))


def _token_cookies(text: str) -> list[str]:
    try:
        cookies = SimpleCookie(text)
    except CookieError:
        return []
    return [unquote(cookies[COOKIE].value)] if COOKIE in cookies else []
