"""How many threads a batch is worth: for a small network, handing work over takes longer than the work."""

from __future__ import annotations

import torch
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
    """Those of the one thread that computes answers; what other threads compute with stays as it is."""

    def __init__(self, classifier: Classifier, most: int) -> None:
        """`most`: threads that are worth it for a large batch."""
        preprocessing = classifier.preprocessing
        shape = (preprocessing.channels, *preprocessing.size)
        self._per_image = summarise(classifier.network, shape).total.flops
        self._pools = ThreadpoolController().select(user_api="openmp").lib_controllers
        self._most = most

    def choose(self, images: int) -> None:
        """For a batch of so many that this thread computes next."""
        count = self._most if images * self._per_image >= WORTH_SEVERAL else 1
        torch.get_num_threads()  # the first time a thread asks, torch sets it up with the number of all
        for pool in self._pools:
            pool.set_num_threads(count)
