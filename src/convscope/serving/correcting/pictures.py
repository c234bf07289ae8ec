"""A run's images by the hash of their content: as the network got them, or the small copy in the run."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from convscope.serving.workbench import Entry, Workbench

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from convscope.looking.subject import Subject

KEPT = 4
"""Runs whose small copies are remembered."""
SHOWCASE = "predictions/images.npz"

Place = tuple[str, int]


class Pictures:
    """Finds images. Threads may share it; what a request asks for is only ever looked up, never a path."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._turn = threading.Lock()
        self._small: OrderedDict[tuple[str, float], dict[str, NDArray[np.uint8]]] = OrderedDict()
        self._places: WeakKeyDictionary[Subject, dict[str, Place]] = WeakKeyDictionary()
        """Of the images of opened runs; they go when the run's model is let go."""

    def png(self, entry: Entry, content: str) -> bytes | None:
        """The image as a PNG; None where neither the run nor its data has it. Not for the event loop."""
        from convscope.errors import ConvscopeError

        try:
            pixels = self._of_data(entry, content)
        except ConvscopeError:  # the data is elsewhere, or has changed: what the run kept is left
            pixels = None
        if pixels is None:
            pixels = self._kept(entry).get(content)
        return None if pixels is None else _png(pixels)

    def _of_data(self, entry: Entry, content: str) -> NDArray[np.uint8] | None:
        subject = self._workbench.subject(entry.id)
        with self._turn:
            if subject not in self._places:
                self._places[subject] = {
                    digest: (split, row)
                    for split, images in subject.dataset.splits.items()
                    for row, digest in enumerate(images.hashes)
                }
            place = self._places[subject].get(content)
        if place is None:
            return None
        split, row = place
        pixels: NDArray[np.uint8] = subject.dataset.splits[split].images[row].permute(1, 2, 0).numpy()
        return pixels

    def _kept(self, entry: Entry) -> dict[str, NDArray[np.uint8]]:
        from convscope.evaluation.predictions import has_predictions, read_predictions

        run = entry.run
        if not run.has(SHOWCASE):
            return {}
        key = (entry.id, (run.path / SHOWCASE).stat().st_mtime)
        with self._turn:
            if key not in self._small:
                arrays = run.read_arrays(SHOWCASE)
                splits = {str(name) for name in arrays["split"]}
                judged = {name: read_predictions(run, name) for name in splits if has_predictions(run, name)}
                self._small[key] = {
                    judged[split].hashes[row]: image
                    for split, row, image in zip(
                        map(str, arrays["split"]), arrays["index"].tolist(), arrays["images"], strict=True
                    )
                    if split in judged and row < len(judged[split].hashes)
                }
                while len(self._small) > KEPT:
                    self._small.popitem(last=False)
            return self._small[key]


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Uint8 `(H, W, C)` as a file."""
    import numpy as np
    from PIL import Image

    grey = pixels.shape[2] == 1
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels)).save(buffer, "PNG")
    return buffer.getvalue()
