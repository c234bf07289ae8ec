"""What images and files have in common, in few numbers: what a plain classifier may know of them."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.classifier.classifier import Classifier
from convscope.config.asked import DataConfig
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.pixels.pillow import open_quietly
from convscope.data.sources import FileSource, open_source
from convscope.data.sources.source import Item
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.telling import HalfTest, half_test
from convscope.errors import ConvscopeError
from convscope.evaluation.predictions import Predictions
from convscope.looking.subject import spread

Floats = NDArray[np.float64]

_SIDE = 8
_MOST_FILES = 1500
_BINS = 24
_FILE_VALUES = ("size", "width", "height", "compression")
_CHUNK = 500


def _small_grey(images: ImageSet, rows: NDArray[np.int64]) -> Floats:
    """Grey copies of some images, (n, side * side), 0 to 1."""
    parts = [np.empty((0, _SIDE * _SIDE))]
    for start in range(0, len(rows), _CHUNK):
        some = images.images[torch.from_numpy(rows[start : start + _CHUNK])]
        grey = nn.functional.adaptive_avg_pool2d(some.float().mean(1, keepdim=True) / 255, _SIDE)
        parts.append(grey.flatten(1).double().numpy())
    return np.concatenate(parts)


def plain_features(images: ImageSet, rows: NDArray[np.int64]) -> Floats:
    """Of some images (n, D): a small grey copy, and mean, deviation and sharpness of each channel."""
    parts = [np.empty((0, 3 * images.images.shape[1]))]
    for start in range(0, len(rows), _CHUNK):
        some = images.images[torch.from_numpy(rows[start : start + _CHUNK])].float() / 255
        sharp = some.diff(dim=-1).abs().mean((2, 3))
        parts.append(torch.cat([some.mean((2, 3)), some.std((2, 3)), sharp], dim=1).double().numpy())
    return np.column_stack([_small_grey(images, rows), np.concatenate(parts)])


def tell_splits_apart(train: ImageSet, other: ImageSet, most: int) -> HalfTest:
    """How well as many training images are told from another split's."""
    count = min(len(train), len(other), most)
    features = np.concatenate(
        [plain_features(images, spread(len(images), count)) for images in (train, other)]
    )
    return half_test(features, np.repeat([0, 1], count))


def logits_by_batch(classifier: Classifier, images: Tensor) -> Tensor:
    """Logits (N, K) of uint8 images, batch normalisation normalising by these images themselves.

    Raises:
        AbsentError: when the network has no batch normalisation.
    """
    twin = copy.deepcopy(classifier.network)
    layers = [each for each in twin.modules() if isinstance(each, _BatchNorm)]
    if not layers:
        raise AbsentError("the network has no batch normalisation")
    for each in layers:
        each.train()
    device = next(twin.parameters()).device
    with torch.inference_mode():
        logits: Tensor = twin(classifier.preprocessing.standardise(images.to(device)))
    return logits.float().cpu()


def predict_covered(classifier: Classifier, images: ImageSet, split: str) -> dict[str, Predictions]:
    """Answers to images with their middle half, or all but the middle 70 %, in their mean colour."""
    pixels = images.images[:]
    height, width = pixels.shape[-2:]
    colour = pixels.float().mean((0, 2, 3), keepdim=True).to(torch.uint8)
    answers = {}
    for what, part in (("middle", 0.25), ("border", 0.15)):
        top, left = round(part * height), round(part * width)
        inside = torch.zeros(height, width, dtype=torch.bool)
        inside[top : height - top, left : width - left] = True
        hidden = inside if what == "middle" else ~inside
        logits = classifier.logits(torch.where(hidden, colour, pixels)).numpy()
        answers[what] = Predictions.of(classifier.target, logits, images, split)
    return answers


def tell_by_file(config: DataConfig) -> tuple[HalfTest, str]:
    """How well the labels are told from the files' size, sides and compression, and which of them tells most.

    Raises:
        AbsentError: when there are no files, or they are not there any more.
    """
    try:
        source = open_source(config)
        if not isinstance(source, FileSource):
            raise AbsentError("the images are no files of their own")
        rows = spread(len(source.items), _MOST_FILES).tolist()
        values = np.array([file_values(source.items[row]) for row in rows])
    except ConvscopeError as error:
        raise AbsentError(f"its files: {str(error).splitlines()[0]}") from None
    names = [str(source.items[row].label) for row in rows]
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    if len(rows) < 4:
        raise AbsentError("too few files")
    alone = [half_test(_binned(values[:, [column]]), labels).share for column in range(values.shape[1])]
    return half_test(_binned(values), labels), _FILE_VALUES[int(np.argmax(alone))]


def file_values(item: Item) -> tuple[float, ...]:
    """The logarithm of a file's bytes, its width and height, and the mean of its JPEG quantisation."""
    content = item.read()
    try:
        with open_quietly(content) as image:
            tables = getattr(image, "quantization", None) or {}
            steps = [step for table in tables.values() for step in table]
            width, height = image.size
    except (OSError, ValueError, SyntaxError):
        width, height, steps = 0, 0, []
    return math.log(len(content) + 1), width, height, float(np.mean(steps)) if steps else 0.0


def _binned(values: Floats) -> Floats:
    """Each column (N,) as which of its parts, of as many files, a value lies in: (N, columns * bins)."""
    columns = []
    for column in values.T:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1]))
        columns.append(np.eye(len(edges) + 1)[np.searchsorted(edges, column, side="left")])
    return np.concatenate(columns, axis=1)


def pool(parts: list[Predictions]) -> Predictions:
    """Answers to the images of several splits, as those of one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    likeness = [each.likeness for each in parts if each.likeness is not None]
    return Predictions(
        split="held-out",
        logits=np.concatenate([each.logits for each in parts]),
        labels=np.concatenate([each.labels for each in parts]),
        ids=tuple(name for each in parts for name in each.ids),
        hashes=tuple(content for each in parts for content in each.hashes),
        class_names=first.class_names,
        training_range=first.training_range,
        likeness=np.concatenate(likeness) if len(likeness) == len(parts) else None,
        likened_to=first.likened_to,
        groups=_pooled_groups(parts),
    )


def _pooled_groups(parts: list[Predictions]) -> NDArray[np.int64] | None:
    """Numbered anew, so that those of two splits are apart; an image whose group was not kept is alone."""
    if all(each.groups is None for each in parts):
        return None
    numbers, taken = [], 0
    for each in parts:
        groups = np.arange(len(each)) if each.groups is None else each.groups
        numbers.append(taken + np.unique(groups, return_inverse=True)[1].astype(np.int64))
        taken += len(each)
    return np.concatenate(numbers)


def moved_weights(before: nn.Module, after: nn.Module) -> dict[str, float]:
    """By name, how far one network's weights are from another's, as a part of their size in the first.

    Those that are the same in both are left out.
    """
    first, last = (
        {name: each.detach().cpu().double() for name, each in network.named_parameters() if each.ndim > 1}
        for network in (before, after)
    )
    return {
        name: float((last[name] - weight).norm() / weight.norm().clamp(min=1e-30))
        for name, weight in first.items()
        if not bool((last[name] == weight).all())
    }


def looks_of(dataset: Dataset, ids: Sequence[str]) -> dict[str, Floats]:
    """Brightness and contrast, (N,) each and 0 to 1, of the images that these ids name.

    Raises:
        AbsentError: when one is not among the data.
    """
    at = {name: (images, row) for images in dataset.splits.values() for row, name in enumerate(images.ids)}
    if not set(ids) <= set(at):
        raise AbsentError("the images that were judged are not those of its data")
    grey = [at[name][0].images[at[name][1]].float().mean(0) / 255 for name in ids]
    return {
        "brightness": np.array([float(image.mean()) for image in grey]),
        "contrast": np.array([float(image.std()) for image in grey]),
    }
