"""Images that arrive together are computed together.

A network is asked by one thread at a time. What arrives while it computes is its next batch, so that batches
grow with the load by themselves; an image that comes when nothing is computed is computed at once. Only when
other requests are on their way in already does it wait for them, for `MOST_WAIT` at most.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch

from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import PIXELS_PER_BATCH
from convscope.classifier.pictures import Asked
from convscope.classifier.prediction import Prediction
from convscope.classifier.reading import Readied
from convscope.data.quarantine import Quarantined
from convscope.serving.api.alike import answering_alike
from convscope.serving.api.threads import Threads

MOST_TOGETHER = 64
"""Images of a batch; fewer of large ones."""

MOST_WAIT = 0.002
"""Seconds."""

Item = Asked | Readied | Quarantined
"""An image on its way: a file whose decoding is left to the batch, its pixels, or why there are none."""
Answer = Prediction | Quarantined


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Images that are computed together in any case, and where their answers go."""

    items: Sequence[Item]
    answered: "asyncio.Future[list[Answer]]"


class Batcher:
    """Answers for one classifier. It lives in one event loop; the network is asked in `worker`."""

    def __init__(self, classifier: Classifier, worker: Executor, *, together: int | None = None) -> None:
        """`together`: images of a batch at most; 1 asks the network for each image alone."""
        self.classifier = answering_alike(classifier)
        height, width = classifier.preprocessing.size
        self._most = together or max(1, min(MOST_TOGETHER, PIXELS_PER_BATCH // (height * width)))
        self._worker = worker
        self._most_threads = torch.get_num_threads()
        self._waiting: deque[_Part] = deque()
        self._images_waiting = 0
        self._on_their_way = 0
        self._is_computing = False
        self._waits_until: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """While images of a request are read and decoded: a batch may wait a moment for them."""
        self._on_their_way += 1
        try:
            yield
        finally:
            self._on_their_way -= 1
            self._go_on()

    async def answer(self, items: Sequence[Item]) -> list[Answer]:
        """What the classifier says of each, in their order."""
        loop = asyncio.get_running_loop()
        parts = [
            _Part(items[start : start + self._most], loop.create_future())
            for start in range(0, len(items), self._most)
        ]
        self._waiting.extend(parts)
        self._images_waiting += len(items)
        self._go_on()
        if len(parts) == 1:
            return await parts[0].answered
        answers = await asyncio.gather(*(part.answered for part in parts))
        return [answer for some in answers for answer in some]

    def _go_on(self) -> None:
        """Compute the next batch, unless one is computed, or it pays to wait for requests on their way in."""
        if self._is_computing or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        if self._waits_until is None:
            self._waits_until = loop.time() + MOST_WAIT
        pays = self._on_their_way and self._images_waiting < self._most
        if pays and loop.time() < self._waits_until:
            if self._timer is None:
                self._timer = loop.call_at(self._waits_until, self._stop_waiting)
            return
        self._waits_until = None
        self._is_computing = True
        self._worker.submit(self._work, self._next_batch(), loop)

    def _stop_waiting(self) -> None:
        self._timer = None
        self._go_on()

    def _work(self, parts: Sequence[_Part], loop: asyncio.AbstractEventLoop) -> None:
        """In the worker's thread: compute, and let the event loop hand out the answers."""
        found: list[Answer] | Exception
        try:
            found = self._compute([item for part in parts for item in part.items])
        except Exception as error:  # whatever it is, those who wait must hear of it
            found = error
        loop.call_soon_threadsafe(self._hand_out, parts, found)

    def _hand_out(self, parts: Sequence[_Part], found: list[Answer] | Exception) -> None:
        start = 0
        for part in parts:
            if part.answered.done():  # whoever asked is gone
                pass
            elif isinstance(found, Exception):
                part.answered.set_exception(found)
            else:
                part.answered.set_result(found[start : start + len(part.items)])
            start += len(part.items)
        self._is_computing = False
        self._go_on()

    def _next_batch(self) -> list[_Part]:
        parts: list[_Part] = []
        count = 0
        while self._waiting and (not parts or count + len(self._waiting[0].items) <= self._most):
            parts.append(self._waiting.popleft())
            count += len(parts[-1].items)
        self._images_waiting -= count
        return parts

    @cached_property
    def _threads(self) -> Threads:
        """Made in the worker's thread, for it takes a moment."""
        return Threads(self.classifier, self._most_threads)

    def _compute(self, items: Sequence[Item]) -> list[Answer]:
        """In the worker's thread."""
        ready = [self.classifier.ready(item) if isinstance(item, Asked) else item for item in items]
        self._threads.choose(len(ready))
        return self.classifier.answer(ready)
