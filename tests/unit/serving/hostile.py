"""Requests that nobody means well with, byte by byte, for no client would send them as they are."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

SECRETS = (
    "/etc/passwd",
    "config.json",
    "../plain/config.json",
    "quick/checkpoints/names.json",
    ".git/config",
)
UPWARDS = (
    "../" * 8,
    "..%2f" * 8,
    "%2e%2e/" * 8,
    "%2e%2e%2f" * 8,
    "..%252f" * 8,
    "..\\" * 8,
    "..%5c" * 8,
    "..%c0%af" * 8,
    "....//" * 8,
    "..;/" * 8,
    "%00/",
    "//",
)
PLACES = ("/", "/static/", "/runs/", "/api/v1/runs/")
HOSTS = (
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example#localhost",
    "localhost@evil.example",
    "user@localhost",
    "localhost/../evil.example",
    "localhost, evil.example",
    "localhost evil.example",
    "[::1].evil.example",
    "[::ffff:127.0.0.1]",
    "[::1",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "0x7f000001",
    "192.168.0.1",
    "169.254.169.254",
    "localhost:port",
    "localhost:8765:8765",
    "löcalhost",
    "",
)
ORIGINS = (
    "null",
    "http://evil.example",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://{host}.evil.example",
    "http://evil.example/{host}",
    "http://{host}@evil.example",
    "http://evil.example#{host}",
    "http://127.0.0.1:1",
    "http://localhost",
    "http://[::1",
    "http://{host}/",
    "//{host}",
    "{host}",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "",
)
SITES = (
    ("cross-site", "cors", "empty"),
    ("cross-site", "no-cors", "image"),
    ("cross-site", "no-cors", "script"),
    ("cross-site", "navigate", "iframe"),
    ("cross-site", "navigate", "embed"),
    ("same-site", "cors", "empty"),
    ("same-site", "no-cors", "style"),
)
METHODS = (
    *("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "MKCOL", "MOVE", "COPY"),
    *("LOCK", "SEARCH", "PURGE", "DEBUG", "get", "GETT", "POST/../GET"),
)
BODIES: tuple[tuple[str, bytes], ...] = (
    ("image/png", b""),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(40)),
    ("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(200)),
    ("image/gif", b"GIF89a" + b"\xff" * 60),
    ("image/webp", b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(30)),
    ("image/tiff", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60),
    ("image/bmp", b"BM" + b"\xff" * 52),
    ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ("image/x-portable-pixmap", b"P6 1 1 255"),
    ("application/octet-stream", b"\x80\x04\x95cos\nsystem\n(S'true'\ntR."),
    ("application/octet-stream", b"PK\x03\x04" + bytes(60)),
    ("application/octet-stream", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(/etc/passwd)(r)file\n"),
    ("text/html", b"<script>alert(1)</script>"),
    ("text/plain", b"image"),
    ("application/json", b'{"path": "/etc/passwd"}'),
    ("application/x-www-form-urlencoded", b"image=/etc/passwd"),
    ("application/xml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
    ("multipart/form-data", b"--x\r\n\r\n"),
    ("multipart/form-data; boundary=" + "x" * 500, b"--x\r\n\r\n"),
    ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\nno headers\r\n--x--\r\n"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="path"\r\n\r\n/etc/passwd',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="../../x.png"\r\n\r\nx\r\n--x--\r\n',
    ),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n\r\n' * 400 + b"--x--\r\n",
    ),
)


def request(
    method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"", *, length: bool = True
) -> bytes:
    """One request as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers),
        "Connection: close",
    ]
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def hostile_requests(address: str, image: bytes) -> Iterator[tuple[str, bytes]]:
    """Each with what is wrong with it. `image` is one that would be answered, were all else right."""
    host = urlsplit(address).netloc
    good = [("Host", host)]
    posted = [*good, ("Content-Type", "image/png")]
    predict = "/api/v1/runs/quick/predict"
    for place in PLACES:
        for up in UPWARDS:
            for secret in SECRETS[:2]:
                yield "path", request("GET", place + up + secret.lstrip("/"), good)
    for secret in SECRETS:
        for path in (secret, f"file://{secret}", f"/runs/{secret}", f"/runs/quick/{secret}"):
            yield "path", request("GET", path, good)
            yield "path", request("POST", f"/api/v1/runs/{path}/predict", posted, image)
    for name in HOSTS:
        yield "host", request("GET", "/", [("Host", name)])
        yield "host", request("POST", predict, [("Host", name), posted[1]], image)
    yield "host", request("GET", "/", [])
    yield "host", request("GET", "/", [("Host", "evil.example"), *good])
    yield "host", request("GET", "/", [*good, ("Host", "evil.example")])
    for template in ORIGINS:
        origin = ("Origin", template.format(host=host))
        yield "origin", request("POST", predict, [*posted, origin], image)
        yield "origin", request("GET", "/api/v1/runs/quick/classes", [*good, origin])
    for site, mode, goal in SITES:
        fetch = [("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", goal)]
        yield "origin", request("POST", predict, [*posted, *fetch], image)
        yield "origin", request("GET", "/", [*good, *fetch])
    navigates = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ]
    yield "origin", request("POST", predict, [*posted, *navigates], image)
    for method in METHODS:
        for path in ("/", predict, "/health"):
            yield "method", request(method, path, posted, image)
    yield "method", request("GET", predict, good)
    yield "method", request("POST", "/health", posted, image)
    for kind, body in BODIES:
        yield "body", request("POST", predict, [*good, ("Content-Type", kind)], body)
    for wrong in ("-1", "1e9", "0x10", "99999999999999999999", "33554433"):
        yield "body", request("POST", predict, [*posted, ("Content-Length", wrong)], image, length=False)
    twice = [*posted, ("Content-Length", "5"), ("Content-Length", "6")]
    yield "body", request("POST", predict, twice, image, length=False)
    chunked = [*posted, ("Transfer-Encoding", "chunked")]
    for chunk in (b"zz\r\n", b"-5\r\nabcde\r\n0\r\n\r\n", b"5\r\nab", b"0\r\n\r\n"):
        yield "body", request("POST", predict, chunked, chunk, length=False)
    yield "body", request("POST", predict, [*posted, ("Transfer-Encoding", "gzip")], image, length=False)
    yield "body", request("POST", predict, [*posted, ("X-Long", "x" * 100_000)], image)
    yield "body", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)  # TLS
    yield "body", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "body", b"GET / HTTP/9.9\r\n\r\n"
    yield "body", b"\r\n\r\n\r\n\r\n" + bytes(100)


def answer_to(address: str, sent: bytes) -> bytes:
    """Whatever comes back until the server closes; nothing more is sent, so that it cannot wait for more."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=60) as wire:
        try:
            wire.sendall(sent)
            wire.shutdown(socket.SHUT_WR)
            parts = []
            while part := wire.recv(65_536):
                parts.append(part)
        except ConnectionError:  # cut off while it was sent: refused
            return b""
    return b"".join(parts)
