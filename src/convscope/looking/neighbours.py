"""Which training images does the network see as most like an image?"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.pixels.cache import FEATURES, Write, read_entry, write_entry
from convscope.inspection.hidden_values import last_hidden_values
from convscope.looking.subject import Subject, spread

_BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbours:
    """Training images by what the last hidden layer says of them.

    Attributes:
        rows: (N,), of the training split.
        directions: (N, D), each of length one.
    """

    rows: NDArray[np.int64]
    directions: NDArray[np.float32]

    def nearest(self, values: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Rows of the training split, the most alike first, each with the cosine of the angle between them.

        Args:
            values: (D,), what the last hidden layer says of the image.
            count: how many.
        """
        likeness = self.directions @ _directions(values[None])[0]
        order = np.argsort(-likeness, kind="stable")[:count]
        return [(int(self.rows[place]), float(likeness[place])) for place in order]


def find_neighbours(subject: Subject, most: int) -> Neighbours:
    """An index of up to `most` training images, evenly spread; kept in the cache."""
    train = subject.dataset.train
    rows = spread(len(train), most)
    key = f"{FEATURES}nearest-{_fingerprint(subject, [train.hashes[row] for row in rows.tolist()])}"
    kept = read_entry(key)
    if kept is not None:
        return Neighbours(rows=rows, directions=kept.images.view(np.float32))

    def standardised() -> Iterator[Tensor]:
        for start in range(0, len(rows), _BATCH):
            yield subject.standardised(Subject.images(train, rows[start : start + _BATCH]))

    directions = _directions(last_hidden_values(subject.network, standardised()).values)

    def fill(write: Write) -> list[NDArray[Any]]:
        for row, values in enumerate(directions):
            write(row, values.view(np.uint8))
        return [np.array(f"training images of {subject.run.path.name}")]

    with contextlib.suppress(OSError):  # on a full disk it is computed again, and that is all
        write_entry(key, len(rows), (directions[0].nbytes,), fill)
    return Neighbours(rows=rows, directions=directions)


def _directions(values: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.ascontiguousarray(values / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _fingerprint(subject: Subject, hashes: list[str]) -> str:
    """Of the images, of what is done to them, and of the weights."""
    digest = hashlib.blake2b(digest_size=12)
    preprocessing = subject.classifier.preprocessing
    digest.update(repr((preprocessing.to_dict(), str(subject.network))).encode())
    for values in subject.network.state_dict().values():
        digest.update(values.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    digest.update(" ".join(hashes).encode())
    return digest.hexdigest()
