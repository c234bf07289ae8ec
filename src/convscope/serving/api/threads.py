"""How many threads a batch is worth: for a small network, handing work over takes longer than the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

from convscope.classifier.classifier import Classifier
from convscope.networks.following.summarising import summarise

WORTH_SEVERAL = 2e9
"""Floating-point operations of a batch.

Measured on two cores, milliseconds on one thread and on two: the digits' two-conv (7 million an image) 1.5
and 2.4 for one image, 10 and 8 for 64, with more of both cores' time; EfficientNet-Lite0 at 256 px (a
thousand million) 32 and 44 for one image, 114 and 98 for four.
"""


class Threads:
    """Those of the thread that computes answers; the pools of all other threads stay as they are."""

    def __init__(self, classifier: Classifier) -> None:
        preprocessing = classifier.preprocessing
        shape = (preprocessing.channels, *preprocessing.size)
        self._per_image = summarise(classifier.network, shape).total.flops
        self._pools = ThreadpoolController().select(user_api="openmp")

    @contextmanager
    def for_images(self, count: int) -> Iterator[None]:
        """While a batch of so many is computed."""
        if count * self._per_image >= WORTH_SEVERAL:
            yield
            return
        with self._pools.limit(limits=1):
            yield
