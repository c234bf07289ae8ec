"""What is looked at: a run, one of its checkpoints, and the images it learned from and is judged on."""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.storage import checkpoint_step
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.pixels.reading import content_hash
from convscope.data.sources.contents import DiskFile
from convscope.errors import UsageError
from convscope.evaluation.evaluating import load_own_data
from convscope.runs.folder import Run
from convscope.wording import meant, near

MOST_JUDGED = 1000

ImageChoice = str | Path | Image.Image | int
"""A file, a picture, or the number of an image in the judged split."""

Split = Literal["train", "validation", "test"]
SPLIT_NAMES: dict[Split, str] = {"train": "training", "validation": "validation", "test": "test"}
"""How images of a split are called: `training images`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Looked:
    """One image.

    Attributes:
        pixels: uint8 (C, H, W).
        name: what it is called.
        label: its true class, where that is known.
        split: the one of the run that it stands in, by its content; None where it is new to the run.
        digest: names its content.
    """

    pixels: Tensor
    name: str
    label: int | None = None
    split: Split | None = None
    digest: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Judged images with what the classifier says of them: rows (N,) in the split, outputs (N, K)."""

    rows: NDArray[np.int64]
    outputs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Subject:
    """A run, opened for looking. Data are loaded when they are first asked for."""

    run: Run
    classifier: Classifier
    checkpoint: str
    step: int

    @property
    def network(self) -> nn.Module:
        """The network, in whatever mode it is."""
        return self.classifier.network

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        preprocessing = self.classifier.preprocessing
        return (preprocessing.channels, *preprocessing.size)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order; empty where the network answers with a number."""
        return self.classifier.class_names

    @cached_property
    def dataset(self) -> Dataset:
        """The run's data, with what this classifier was fitted on as the training split."""
        return load_own_data(self.run.path, self.classifier)

    @cached_property
    def judging_split(self) -> Split:
        """The split that the network was not fitted on, test or validation; training where there is none."""
        splits: tuple[Split, ...] = ("test", "validation")
        return next((split for split in splits if len(self.dataset.splits[split])), "train")

    @property
    def judging(self) -> ImageSet:
        """The images of that split."""
        return self.dataset.splits[self.judging_split]

    @cached_property
    def judged(self) -> Judged:
        """Outputs for the judged split: those that the run kept, or else of up to 1,000 images."""
        kept = self._kept_outputs()
        if kept is not None:
            return Judged(rows=np.arange(len(kept)), outputs=kept)
        rows = spread(len(self.judging), MOST_JUDGED)
        return Judged(rows=rows, outputs=self.classifier.logits(self.images(self.judging, rows)).numpy())

    def _kept_outputs(self) -> NDArray[np.float32] | None:
        name = f"predictions/{self.judging_split}.npz"
        if self.checkpoint != "final" or self.judging_split == "train" or not self.run.has(name):
            return None
        arrays = self.run.read_arrays(name)
        same = tuple(str(each) for each in arrays["ids"]) == self.judging.ids
        return np.asarray(arrays["logits"], dtype=np.float32) if same else None

    @cached_property
    def _split_of(self) -> dict[str, Split]:
        """By content hash, for each image of the run; empty where the run kept no list."""
        listed = self.run.path / "splits.csv"
        if not listed.is_file():
            return {}
        with listed.open(newline="", encoding="utf-8") as file:
            rows = [(row["content"], row["split"]) for row in csv.DictReader(file)]
        return {content: split for content, where in rows for split in SPLIT_NAMES if split == where}

    @staticmethod
    def images(images: ImageSet, rows: NDArray[np.int64]) -> Tensor:
        """Some images of a split, uint8 (N, C, H, W)."""
        return images.images[torch.from_numpy(rows)]

    def standardised(self, images: Tensor) -> Tensor:
        """As the network expects them."""
        return self.classifier.preprocessing.standardise(images)

    def pick(self, image: ImageChoice) -> Looked:
        """One image to look at.

        Raises:
            UsageError: for a number beyond the split.
            DataError: for a file that is not an image, naming it.
        """
        if isinstance(image, int):
            if not 0 <= image < len(self.judging):
                raise UsageError(f"image {image} does not exist: {len(self.judging):,} images, from 0 on")
            return Looked(
                pixels=self.judging.images[image],
                name=self.judging.ids[image],
                label=int(self.judging.labels[image]) if self.class_names else None,
                split=self.judging_split,
                digest=self.judging.hashes[image],
            )
        if isinstance(image, Image.Image):
            pixels = self.classifier.read(image)
            return Looked(pixels=pixels, name="image", digest=content_hash(pixels.numpy().tobytes()))
        pixels = self.classifier.read(image)
        content = content_hash(DiskFile(Path(image)).read())
        split = self._split_of.get(content)
        return Looked(pixels=pixels, name=Path(image).name, split=split, digest=content)

    def class_index(self, name: str) -> int:
        """The index of a class; UsageError with all names where there is none of this name."""
        if name not in self.class_names:
            known = ", ".join(self.class_names[:20]) or "none, for the network answers with a number"
            close = near(name, self.class_names)
            hint = f" ({meant(close)})" if close else ""
            raise UsageError(f"there is no class '{name}'{hint}; there are: {known}")
        return self.class_names.index(name)


def open_subject(path: Path, checkpoint: str = "final") -> Subject:
    """Open a run for looking.

    Args:
        path: the run folder.
        checkpoint: final, last, best, untrained, or a step.

    Raises:
        RunError: when there is no such run, or no such checkpoint in it.
    """
    run = Run.open(path)
    classifier = Classifier.load(path, checkpoint)
    step = 0 if checkpoint == "untrained" else checkpoint_step(run, checkpoint)
    return Subject(run, classifier, checkpoint, step)


def spread(total: int, most: int) -> NDArray[np.int64]:
    """Up to `most` rows, evenly spread over `total`, ascending."""
    count = min(total, most)
    return (np.arange(count) * total + total // 2) // max(1, count)
