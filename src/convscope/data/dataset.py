"""What training, evaluation and everything after them work on: pixels, labels and where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from convscope.data.correcting import Corrected
from convscope.data.pixels.decoding import Reading
from convscope.data.quarantine import Quarantined


@dataclass(frozen=True, eq=False)
class ImageRows:
    """Rows of pixels that several sets share. Indexed like a tensor, it copies only what is asked for."""

    pixels: Tensor
    """uint8 (M, C, H, W); may be mapped from a file, so read it batch by batch."""
    rows: Tensor
    """int64 (N,): where each image lies in `pixels`."""
    mirrored: bool = False
    """Left and right swapped, as they are read."""

    @staticmethod
    def of(images: Tensor) -> "ImageRows":
        """All of some images, uint8 `(N, C, H, W)`."""
        return ImageRows(images, torch.arange(len(images)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return (len(self.rows), *self.pixels.shape[1:])

    def __getitem__(self, index: int | slice | Tensor) -> Tensor:
        """A copy of one image `(C, H, W)`, or of some, `(n, C, H, W)`."""
        images = self.pixels[self.rows[index]]
        if isinstance(index, int):
            images = images.clone()  # torch gives a view, and who keeps one image would keep them all
        return images.flip(-1) if self.mirrored else images

    def all(self) -> Tensor:
        """A copy of all images, `(N, C, H, W)`: for sets that fit into memory."""
        return self[:]

    def take(self, index: slice | Tensor) -> "ImageRows":
        """Some of the images, without copying any."""
        return replace(self, rows=self.rows[index])

    def mirror(self) -> "ImageRows":
        """The same images with left and right swapped, without copying any."""
        return replace(self, mirrored=not self.mirrored)


Images = Tensor | ImageRows
"""What is read batch by batch: `images[start:stop]` is a tensor, uint8 (n, C, H, W)."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The images of one split, in a fixed order."""

    images: ImageRows
    """uint8 (N, C, H, W)."""
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
        """The images of some rows, in that order; no pixel is copied."""
        index = torch.tensor(rows, dtype=torch.int64)
        return ImageSet(
            images=self.images.take(index),
            labels=self.labels[index],
            ids=tuple(self.ids[row] for row in rows),
            hashes=tuple(self.hashes[row] for row in rows),
            clusters=tuple(self.clusters[row] for row in rows) if self.clusters else (),
        )


def join(sets: Sequence[ImageSet]) -> ImageSet:
    """All images of several sets, in one; those of one source stay where they lie."""
    first = sets[0].images.pixels
    shared = all(images.images.pixels is first for images in sets)
    return ImageSet(
        images=ImageRows(first, torch.cat([images.images.rows for images in sets]))
        if shared
        else ImageRows.of(torch.cat([images.images.all() for images in sets])),
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
    reading: Reading = field(default_factory=Reading)
    """How its files were read; the classifier that is trained on it reads so too."""
    series: tuple[tuple[str, ...], ...] = ()
    """Content hashes of images that were found to be series of one thing or scene, each on one side."""
    corrected: tuple[Corrected, ...] = ()
    """The images of its splits whose label is another than the source gives them, or that are left out."""
    removed: ImageSet | None = None
    """Of the images to be judged by, those that corrections leave out, with the labels of the source."""

    @property
    def splits(self) -> dict[str, ImageSet]:
        """The three sets by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def all_for_training(self) -> "Dataset":
        """The same images, none kept apart: what the classifier of a cross-validated run is fitted on."""
        pooled = join([images for images in self.splits.values() if len(images)])
        return replace(self, train=pooled, validation=pooled.take(()), test=pooled.take(()))
