"""What the pages ask of one opened run again and again, kept for the next click.

A lens looks through a twin of the classifier's network, which shares its weights: what a look hooks to it is
seen by no prediction that runs meanwhile. One thread at a time looks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from torch import Tensor

from convscope.data.pixels.reading import content_hash
from convscope.errors import ConvscopeError
from convscope.inspection.arithmetic.trace import Trace, trace_pass
from convscope.inspection.borrowing import twin
from convscope.looking.patches import Excitation, find_excitation
from convscope.looking.subject import Subject
from convscope.networks.following.receptive_fields import ReceptiveField, followed_fields
from convscope.networks.following.summarising import summarise
from convscope.networks.summary import LayerSummary, Summary
from convscope.report.layers.views import Shades

TRACES = 4
"""Images whose values in all layers are kept."""
LAYERS = 4
"""Layers whose top patches are kept."""
WORK = 4 * 10**11
"""Floating-point operations that a search over training images may take: about ten seconds on two cores."""
MOST_SEARCHED = 4_000
LEAST_SEARCHED = 200

Found = TypeVar("Found")


@dataclass(eq=False)
class _Kept:
    """Things of one kind; only who wants one of these waits for the making of another."""

    making: threading.RLock = field(default_factory=threading.RLock)
    made: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)


class Lens:
    """One run, opened for looking. Threads may share it; they wait for each other."""

    def __init__(self, subject: Subject) -> None:
        self.classifier = subject.classifier
        """For predictions, which wait for nobody."""
        classifier = replace(subject.classifier, network=twin(subject.classifier.network))
        self.subject = Subject(subject.run, classifier, subject.checkpoint, subject.step)
        with suppress(ConvscopeError):  # whoever asks for the images is told why they are not here
            # The same ones: the property is filled with what the other subject has.
            vars(self.subject)["dataset"] = subject.dataset
        self.looking = threading.RLock()
        """Held by whoever uses the network, but for `trace`, which waits for nobody."""
        self._kept: dict[str, _Kept] = {}
        self._turn = threading.Lock()

    def trace(self, pixels: Tensor) -> Trace:
        """All values of a pass of an image, uint8 (C, H, W)."""
        key = content_hash(pixels.numpy().tobytes())
        image = self.subject.standardised(pixels[None])
        return self.keep("trace", key, TRACES, lambda: trace_pass(self.subject.network, image))

    def excitation(self, layer: str) -> Excitation:
        """The training images' patches that excite each unit of a layer most."""
        return self.keep(
            "excitation",
            layer,
            LAYERS,
            self.looks(lambda: find_excitation(self.subject, {layer: None}, self.searched)[layer]),
        )

    @cached_property
    def summaries(self) -> dict[str, LayerSummary]:
        """The layers with their weights, by name."""
        return {layer.name: layer for layer in self._summary.layers}

    @cached_property
    def searched(self) -> int:
        """How many training images a search looks at."""
        affordable = WORK // max(1, self._summary.total.flops)
        most = min(MOST_SEARCHED, max(LEAST_SEARCHED, affordable))
        return min(most, len(self.subject.dataset.train))

    @cached_property
    def fields(self) -> dict[str, ReceptiveField]:
        """What the units of each layer see of the image, where that is known."""
        found = followed_fields(self.subject.network, self.subject.image_shape)
        return {name: field for name, field in found.items() if isinstance(field, ReceptiveField)}

    @cached_property
    def shades(self) -> Shades:
        """How the standardised image's values are drawn."""
        preprocessing = self.subject.classifier.preprocessing
        mean = preprocessing.mean.mean(dim=(1, 2)).expand(preprocessing.channels)
        std = preprocessing.std.flatten().expand(preprocessing.channels)
        names = ("grey",) if preprocessing.channels == 1 else ("red", "green", "blue")
        return Shades(
            low=tuple((-mean / std).tolist()), high=tuple(((1 - mean) / std).tolist()), channels=names
        )

    @cached_property
    def _summary(self) -> Summary:
        return summarise(self.subject.network, self.subject.image_shape)

    def keep(self, what: str, key: Hashable, most: int, make: Callable[[], Found]) -> Found:
        """What was made before under this key, or is made now; those used longest ago go."""
        with self._turn:
            kept = self._kept.setdefault(what, _Kept())
        with kept.making:
            if key not in kept.made:
                kept.made[key] = make()
            kept.made.move_to_end(key)
            while len(kept.made) > most:
                kept.made.popitem(last=False)
            found: Found = kept.made[key]
            return found

    def looks(self, make: Callable[[], Found]) -> Callable[[], Found]:
        """The same, but while nobody else uses the network."""

        def alone() -> Found:
            with self.looking:
                return make()

        return alone
