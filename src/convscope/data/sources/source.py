"""The two shapes that every source opens to: files still to be decoded, or pixels that already are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from convscope.config.asked import Task
from convscope.data.quarantine import Quarantined

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Content(Protocol):
    """The bytes of one file, wherever they lie. Reading is safe from several threads at once."""

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit`.

        Raises:
            BrokenImage: when they cannot be read, with the reason.
        """
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a source."""

    id: str
    """Its path inside the source, with forward slashes."""
    label: str | float
    """Class name, or the number to predict."""
    split: Split | None
    """The split that the source itself gives, if any."""
    group: str | None
    """Images of one group never stand in two splits."""
    content: Content

    def read(self, limit: int | None = None) -> bytes:
        """All bytes of the file, or the first `limit`."""
        return self.content.read(limit)


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """A set of image files, not yet decoded."""

    name: str
    location: Path
    items: tuple[Item, ...]
    """In natural order of their ids."""
    class_names: tuple[str, ...]
    """In natural order; also those without a file. Empty for regression."""
    task_hint: Task = "classification"
    quarantined: tuple[Quarantined, ...] = ()
    """What was set aside before any image was decoded: folders named like images, links inside archives,
    images without a label."""
    notes: tuple[str, ...] = ()
    """What a reader of the results should know about this source, a sentence each."""


@dataclass(frozen=True, kw_only=True)
class ArraySource:
    """A set of images that are pixels already, all of one size."""

    name: str
    images: NDArray[np.uint8]
    """(N, C, H, W), C 1 or 3."""
    labels: NDArray[np.int64] | NDArray[np.float32]
    """(N,): int64 indices into `class_names`, or float32 numbers for regression."""
    class_names: tuple[str, ...]
    """Empty for regression."""
    ids: tuple[str, ...]
    splits: tuple[Split | None, ...] | None = None
    """The split that the source itself gives each image; None where it gives none."""
    task_hint: Task = "classification"
    notes: Sequence[str] = ()
    """What a reader of the results should know about this source, a sentence each."""
