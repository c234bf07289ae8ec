"""How much is taken in at once: beyond that a request is told to come again, and nothing piles up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

MOST_REQUESTS = 256
"""Requests that are being read, wait, or are computed."""

MOST_BYTES = 256 * 2**20
"""Of the bodies of all of them."""

READING_TIME = 60.0
"""Seconds that a body may take to arrive."""

RETRY_AFTER = 1
"""Seconds."""


class BusyError(Exception):
    """As much as the server takes in at once is there already."""


class SlowError(Exception):
    """A body did not arrive in time."""


class Admission:
    """Counts what was taken in and not yet answered. For one event loop."""

    def __init__(self, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self._requests_left = most_requests
        self._bytes_left = most_bytes

    @contextmanager
    def one(self) -> Iterator["Place"]:
        """A place for one request, until it is answered.

        Raises:
            BusyError: there is none.
        """
        if self._requests_left <= 0:
            raise BusyError
        self._requests_left -= 1
        place = Place(self)
        try:
            yield place
        finally:
            self._requests_left += 1
            self._bytes_left += place.bytes

    def take(self, count: int) -> None:
        """Room for so many more bytes.

        Raises:
            BusyError: there is none.
        """
        if count > self._bytes_left:
            raise BusyError
        self._bytes_left -= count


class Place:
    """What one request holds.

    Attributes:
        bytes: of its body so far.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.bytes = 0

    async def read(self, stream: AsyncIterator[bytes]) -> bytes:
        """A request's whole body.

        Raises:
            BusyError: there is no room for it.
            SlowError: it does not arrive in time.
        """
        parts = []
        try:
            async with asyncio.timeout(READING_TIME):
                async for part in stream:
                    self._admission.take(len(part))
                    self.bytes += len(part)
                    parts.append(part)
        except TimeoutError:
            raise SlowError from None
        return b"".join(parts)
