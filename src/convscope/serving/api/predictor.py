"""From images to answers: who waits where, and what runs in which thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from convscope.serving.api.admission import Admission
from convscope.serving.workbench import Workbench

if TYPE_CHECKING:
    from convscope.classifier.answers import Answers
    from convscope.classifier.classifier import Classifier
    from convscope.serving.api.batching import Batcher, Item
    from convscope.serving.api.uploads import Upload

MOST_PIXELS = 50_000_000
"""Of an image, by its header: less than training takes, for whoever sends it is not known."""

SMALL = 64 * 1024
"""Bytes of a file"""
FEW_PIXELS = 1_000_000
"""and pixels of a PNG that are decoded on the way to the network, which costs less than another thread."""


class Predictor:
    """Answers for all runs of a workbench. It lives in one event loop."""

    def __init__(self, workbench: Workbench, *, together: int | None = None) -> None:
        """`together`: images of a batch at most; as many as `Batcher` takes unless given."""
        self.admission = Admission()
        self._workbench = workbench
        self._together = together
        self._network_thread = ThreadPoolExecutor(1, "network")
        self._decoding_thread = ThreadPoolExecutor(1, "decoding")  # one large image in memory at a time
        self._batchers: WeakKeyDictionary[Classifier, Batcher] = WeakKeyDictionary()

    async def batcher(self, run_id: str) -> Batcher:
        """That of a run's classifier, which is opened first where it is not open yet.

        Raises:
            RunError: there is no such run, or it has no classifier.
        """
        classifier = self._workbench.open_classifier(run_id)
        if classifier is None:
            classifier = await asyncio.to_thread(self._workbench.classifier, run_id)
        if classifier not in self._batchers:
            from convscope.serving.api.batching import Batcher

            limit = min(classifier.reading.max_pixels, MOST_PIXELS)
            careful = classifier.reading_up_to(limit)
            self._batchers[classifier] = Batcher(careful, self._network_thread, together=self._together)
        return self._batchers[classifier]

    async def answer(self, batcher: Batcher, uploads: Sequence[Upload]) -> Answers:
        """What a classifier says of each image, and of what cannot be read, why."""
        from convscope.classifier.answers import Answers
        from convscope.classifier.pictures import Asked
        from convscope.classifier.prediction import Prediction
        from convscope.data.quarantine import Quarantined

        loop = asyncio.get_running_loop()
        items: list[Item] = []
        for upload in uploads:
            asked = Asked(upload.name, upload.content)
            if is_light(upload.content):
                items.append(asked)
                continue
            ready = await loop.run_in_executor(self._decoding_thread, batcher.classifier.ready, asked)
            items.append(ready)
        found = await batcher.answer(items)
        return Answers(
            (each for each in found if isinstance(each, Prediction)),
            (each for each in found if isinstance(each, Quarantined)),
            rests_on=batcher.classifier.held_out,
        )


def is_light(content: bytes) -> bool:
    """Whether a file takes next to no time to decode: a small JPEG, a PNG of few pixels, or no image."""
    if len(content) > SMALL:
        return False
    if content.startswith(b"\x89PNG"):
        width, height = (int.from_bytes(content[place : place + 4], "big") for place in (16, 20))
        return width * height <= FEW_PIXELS
    return content.startswith(b"\xff\xd8")
