"""Seconds of training: earlier parts of a resumed run count, measuring and saving do not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Runs from the start, except while it is paused.

    Attributes:
        longest_pause: seconds.
    """

    def __init__(self, seconds_before: float) -> None:
        self._start = time.perf_counter() - seconds_before
        self._mark: tuple[float, int] | None = None
        self.longest_pause = 0.0

    def seconds(self) -> float:
        """Spent on steps since the first step of the run."""
        return time.perf_counter() - self._start

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done in this block takes no time."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            self._start += seconds
            self.longest_pause = max(self.longest_pause, seconds)

    def images_per_second(self, images: int) -> float | None:
        """Since the last call, of `images` seen so far; None at the first."""
        now, mark = self.seconds(), self._mark
        self._mark = (now, images)
        return None if mark is None else round((images - mark[1]) / max(1e-9, now - mark[0]), 1)
