"""The server: answers until it is asked to stop, and then finishes what it has accepted."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from convscope.serving.app import create_app
from convscope.serving.safety import Access
from convscope.serving.workbench import Workbench

PATIENCE = 30
"""Seconds that what was accepted has to finish, after the server was asked to stop."""

MOST_CONNECTIONS = 500
"""At once; beyond that 503."""


class Server(uvicorn.Server):
    """One workbench on one socket."""

    def __init__(
        self,
        workbench: Workbench,
        listening: socket.socket,
        access: Access | None = None,
        *,
        together: int | None = None,
    ) -> None:
        """`listening` is a socket that `listen` returned; for the others see `create_app`."""
        super().__init__(
            uvicorn.Config(
                create_app(workbench, access, together=together),
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=PATIENCE,
            )
        )
        self._workbench = workbench
        self._listening = listening
        self.was_interrupted = False
        """Whether it was Ctrl-C that stopped it."""

    def serve_until_stopped(self) -> None:
        """Answer requests; returns when all that was accepted is answered."""
        self.run(sockets=[self._listening])

    def stop(self) -> None:
        """Ask it to stop, from any thread."""
        self._workbench.closing.set()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal; a second Ctrl-C does not wait for what was accepted."""
        self.was_interrupted = sig == signal.SIGINT
        self._workbench.closing.set()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn has it, but for raising the signals again at the end: to be stopped is no failure."""
        try:
            before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not in the main thread, which alone gets signals
            yield
            return
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
