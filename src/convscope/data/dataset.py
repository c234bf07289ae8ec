"""What training, evaluation and everything after them work on: pixels, labels and where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from convscope.data.quarantine import Quarantined


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The images of one split, in a fixed order."""

    images: Tensor
    """uint8 (N, C, H, W); may be mapped from a file, so read it batch by batch."""
    labels: Tensor
    """(N,): int64 class indices, or float32 numbers for regression."""
    ids: tuple[str, ...]
    """Path of each image inside its source."""
    hashes: tuple[str, ...]
    """Content hash of each image, from its bytes in the source."""
    clusters: tuple[int, ...] = ()
    """Images with equal numbers must not be torn apart: identical, nearly identical, or of one group. Empty
    where each image stands alone."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> "ImageSet":
        """The images of some rows, in that order; their pixels are copied."""
        index = torch.tensor(rows, dtype=torch.int64)
        return ImageSet(
            images=self.images[index],
            labels=self.labels[index],
            ids=tuple(self.ids[row] for row in rows),
            hashes=tuple(self.hashes[row] for row in rows),
            clusters=tuple(self.clusters[row] for row in rows) if self.clusters else (),
        )


def join(sets: Sequence[ImageSet]) -> ImageSet:
    """All images of several sets, in one."""
    return ImageSet(
        images=torch.cat([images.images for images in sets]),
        labels=torch.cat([images.labels for images in sets]),
        ids=tuple(path for images in sets for path in images.ids),
        hashes=tuple(content for images in sets for content in images.hashes),
        clusters=tuple(cluster for images in sets for cluster in images.clusters),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Three splits of one source, at one size."""

    name: str
    class_names: tuple[str, ...]
    """In index order; empty for regression."""
    train: ImageSet
    validation: ImageSet
    test: ImageSet
    quarantined: tuple[Quarantined, ...]
    fingerprint: str
    """Hash over content, class and split of every image; independent of names, order and size."""
    notes: tuple[str, ...] = ()
    """What a reader of the results should know, a sentence each."""
    missing_classes: tuple[str, ...] = ()
    """Known classes without an image here."""

    @property
    def splits(self) -> dict[str, ImageSet]:
        """The three sets by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def all_for_training(self) -> "Dataset":
        """The same images, none kept apart: what the classifier of a cross-validated run is fitted on."""
        pooled = join([images for images in self.splits.values() if len(images)])
        return replace(self, train=pooled, validation=pooled.take(()), test=pooled.take(()))
