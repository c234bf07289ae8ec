"""Load: so many clients, each of which asks again as soon as it is answered, over a connection that it keeps.

Requests are made beforehand and answers are hardly looked at, so that the clients take little of the cores
that the server needs.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came back.

    Attributes:
        seconds: of all of it.
        latencies: of each request, in seconds, in the order in which answers came.
        refused: answers that were not 200.
        documents: answers by the number of the request; empty unless they were asked for.
    """

    seconds: float
    latencies: list[float]
    refused: int
    documents: dict[int, Any] = field(default_factory=dict)


def ask(
    url: str, bodies: list[bytes], *, clients: int, requests: int, kind: str = "image/png", keep: bool = False
) -> Answered:
    """Send `requests`, the bodies in turn, from so many clients at once."""
    where = urlsplit(url)
    head = f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: {kind}\r\n"
    wires = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    load = _Load(wires, requests, keep)

    async def all_clients() -> float:
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        made = [
            await loop.create_connection(lambda: _Client(load), where.hostname, where.port)
            for _ in range(min(clients, requests))
        ]
        await asyncio.gather(*(client.done for _, client in made))
        return time.perf_counter() - begun

    seconds = asyncio.run(all_clients())
    return Answered(seconds=seconds, latencies=load.latencies, refused=load.refused, documents=load.documents)


@dataclass
class _Load:
    wires: list[bytes]
    requests: int
    keep: bool
    sent: int = 0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)
    documents: dict[int, Any] = field(default_factory=dict)


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def _send(self) -> None:
        load = self._load
        if load.sent == load.requests:
            self.done.set_result(None)
            self._transport.close()
            return
        self._number = load.sent
        load.sent += 1
        self._begun = time.perf_counter()
        self._transport.write(load.wires[self._number % len(load.wires)])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._buffer) < end + 4 + length:
            return
        load = self._load
        load.latencies.append(time.perf_counter() - self._begun)
        if head.split(b" ", 2)[1] != b"200":
            load.refused += 1
        elif load.keep:
            load.documents[self._number] = json.loads(self._buffer[end + 4 :])
        self._buffer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))
