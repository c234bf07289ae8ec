"""Models that were opened: those used longest ago are let go when together they take too much memory."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.runs.checkpoint_names import FILE
from convscope.runs.folder import CONFIG, SUMMARY, Run

if TYPE_CHECKING:
    from convscope.classifier.classifier import Classifier
    from convscope.looking.subject import Subject

DEFAULT_MEMORY = 2 * 10**9
"""Bytes of weights and of images, of all opened models together."""

STAMPED = (CONFIG, SUMMARY, f"checkpoints/{FILE}")
"""When one of these was written anew, the model is another one."""

Key = tuple[Path, str, tuple[int, ...]]


@dataclass(eq=False)
class _Held:
    opening: threading.Lock = field(default_factory=threading.Lock)
    classifier: Classifier | None = None
    subject: Subject | None = None

    @property
    def bytes(self) -> int:
        if self.classifier is None:
            return 0
        network = self.classifier.network
        tensors = (*network.parameters(), *network.buffers())
        dataset = vars(self.subject).get("dataset") if self.subject else None
        sets = dataset.splits.values() if dataset else ()
        pixels = {each.images.pixels.data_ptr(): each.images.pixels for each in sets}  # splits share them
        return int(sum(each.nbytes for each in (*tensors, *pixels.values())))


class Models:
    """Opened models by run and checkpoint. Threads may share it; none is opened twice at once."""

    def __init__(self, memory: int, threads: int | None) -> None:
        self._memory = memory
        self._threads = threads
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._turn = threading.Lock()

    def classifier(self, path: Path, checkpoint: str) -> Classifier:
        """As `Classifier.load`, or the one that is here already."""
        held = self._hold(path, checkpoint)
        with held.opening:
            found = self._opened(held, path, checkpoint)
        self._let_go()
        return found

    def open(self, path: Path, checkpoint: str) -> Classifier | None:
        """The classifier if it is here already, at once."""
        key = _key(path, checkpoint)
        found = self._held.get(key)
        if found is None or found.classifier is None:
            return None
        with self._turn, suppress(KeyError):  # it may have been let go meanwhile
            self._held.move_to_end(key)
        return found.classifier

    def subject(self, path: Path, checkpoint: str) -> Subject:
        """As `open_subject`, or the one that is here already."""
        held = self._hold(path, checkpoint)
        with held.opening:
            if held.subject is None:
                from convscope.classifier.storage import checkpoint_step
                from convscope.looking.subject import Subject

                run = Run.open(path)
                classifier = self._opened(held, path, checkpoint)
                step = 0 if checkpoint == "untrained" else checkpoint_step(run, checkpoint)
                held.subject = Subject(run, classifier, checkpoint, step)
            found = held.subject
        self._let_go()
        return found

    def _opened(self, held: _Held, path: Path, checkpoint: str) -> Classifier:
        if held.classifier is None:
            import torch

            from convscope.classifier.classifier import Classifier

            # Said in any case: a thread that asks torch for the first time then takes this number, and not
            # the one that another thread computes with meanwhile.
            torch.set_num_threads(self._threads or torch.get_num_threads())
            held.classifier = Classifier.load(path, checkpoint)
        return held.classifier

    def _hold(self, path: Path, checkpoint: str) -> _Held:
        key = _key(path, checkpoint)
        with self._turn:
            for stale in [other for other in self._held if other[:2] == key[:2] and other != key]:
                del self._held[stale]
            held = self._held.setdefault(key, _Held())
            self._held.move_to_end(key)
        return held

    def _let_go(self) -> None:
        with self._turn:
            sizes = {key: held.bytes for key, held in self._held.items()}
            while len(sizes) > 1 and sum(sizes.values()) > self._memory:
                oldest = next(iter(sizes))
                del sizes[oldest], self._held[oldest]


def _key(path: Path, checkpoint: str) -> Key:
    return path, checkpoint, tuple(_time_of(f"{path}/{name}") for name in STAMPED)


def _time_of(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - asked for each request; a Path takes as long again
    except OSError:
        return 0
