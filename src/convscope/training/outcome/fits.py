"""What fitting images into the square costs: validation accuracy under each of three ways, side by side."""

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import torch

from convscope.classifier.classifier import Classifier
from convscope.config.asked import DataConfig, Fit
from convscope.data.dataset import ImageSet
from convscope.data.loading import load_dataset
from convscope.data.pixels.decoding import decode
from convscope.data.preprocessing import discarded_share
from convscope.data.quarantine import BrokenImage
from convscope.data.sources import FileSource, open_source
from convscope.data.survey import survey_source
from convscope.evaluation.predictions import ImageEvaluation, predict_images

FITS: tuple[Fit, ...] = ("crop", "squash", "pad")
SQUARE_ENOUGH = 0.005
MEASURED = 4
MOST_COMPARED = 1000
"""Of more validation images some say enough: each is decoded and answered three times."""


@dataclass(frozen=True)
class FitScore:
    """How a classifier fares on the validation images when they are fitted in one way.

    Attributes:
        discarded: mean share of an image's area that is thrown away.
        is_own: whether the classifier was trained with this fit.
    """

    fit: Fit
    discarded: float
    is_own: bool
    evaluation: ImageEvaluation

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        figures = self.evaluation.to_dict()
        name = "accuracy" if "accuracy" in figures else "mean_absolute_error"
        return {"fit": self.fit, "is_own": self.is_own, "discarded": self.discarded, name: figures[name]}


def compare_fits(classifier: Classifier, config: DataConfig, validation: ImageSet) -> list[FitScore]:
    """The three fits, or nothing where the images are square, already decoded, or not there.

    Args:
        classifier: as it is kept.
        config: where the images are.
        validation: the images, whose labels may have been corrected.
    """
    part = _files_of(config, _compared(validation.ids))
    if part is None:
        return []
    size = classifier.preprocessing.size
    sizes = survey_source(part, config.max_pixels).sizes
    if _lost_by_cropping(sizes, size) < SQUARE_ENOUGH:
        return []
    scores = []
    label_of = dict(zip(validation.ids, validation.labels, strict=True))
    for fit in FITS:
        images = load_dataset(
            replace(config, corrections=None),
            size=size,
            channels=classifier.preprocessing.channels,
            fit=fit,
            seed=0,
            known_classes=classifier.class_names or None,
            divided=False,
            source=part,
            reading=classifier.reading,
        ).test
        if len(images):
            images = replace(images, labels=torch.stack([label_of[name] for name in images.ids]))
        discarded = mean(discarded_share(width, height, size, fit) for width, height in sizes)
        evaluation = predict_images(classifier, images, "validation").evaluation
        scores.append(FitScore(fit, discarded, fit == classifier.preprocessing.fit, evaluation))
    return scores


def seconds_to_compare(
    classifier: Classifier, config: DataConfig, validation_ids: tuple[str, ...], per_image: float
) -> float:
    """What `compare_fits` will take, from a few images; `per_image` is what the network takes for one."""
    part = _files_of(config, validation_ids[:MEASURED])
    if part is None:
        return 0.0
    begun = time.perf_counter()
    sizes = survey_source(part, config.max_pixels).sizes
    if _lost_by_cropping(sizes, classifier.preprocessing.size) < SQUARE_ENOUGH:
        return 0.0
    for item in part.items:
        with suppress(BrokenImage):
            decode(item.read(), channels=classifier.preprocessing.channels)
    decoding = (time.perf_counter() - begun) / len(part.items)
    return len(FITS) * len(_compared(validation_ids)) * (decoding + per_image)


def _compared(ids: tuple[str, ...]) -> tuple[str, ...]:
    return ids[:: math.ceil(len(ids) / MOST_COMPARED) or 1]


def _files_of(config: DataConfig, ids: tuple[str, ...]) -> FileSource | None:
    """The part of a source that these ids name; None where it has no files to decode, or none of them."""
    source = open_source(config)
    if not isinstance(source, FileSource) or not ids:
        return None
    wanted = set(ids)
    items = tuple(replace(item, split=None) for item in source.items if item.id in wanted)
    return replace(source, items=items, quarantined=()) if items else None


def _lost_by_cropping(sizes: Sequence[tuple[int, int]], size: tuple[int, int]) -> float:
    return mean(discarded_share(width, height, size, "crop") for width, height in sizes) if sizes else 0.0
