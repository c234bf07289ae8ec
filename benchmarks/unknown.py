"""How well each score tells images that are unlike those of training, by AUROC; which one convscope takes.

    python benchmarks/unknown.py RUN… --photos FOLDER [--images 100] [--threads 1] > table.md

RUN is a finished run with a test split: a grey one is asked about letters, things on black, photos, noise and
its own digits turned and inverted; one of photos about the other photos of `--photos` (archives of class
folders, of which the run's own is left out), digits, noise, and its own photos turned, inverted and darkened.

All scores see the same: features of as many training images as convscope keeps, and logits. AUROC is the
chance that an unlike image has a greater score than one of the run's test images; `found` is the share of
unlike images beyond the threshold that 1 % of the images like those of training pass, by those of validation.
Things on black stand in for Fashion-MNIST, which is asked about too where `$CONVSCOPE_DATA` holds it.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score
from torch import Tensor

from convscope.classifier.backbone import Backbone
from convscope.classifier.classifier import Classifier
from convscope.classifier.held_out.familiarity import Familiarity, most_images
from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.logits import in_batches
from convscope.config.asked import DataConfig
from convscope.data.dataset import join
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import Preprocessing
from convscope.errors import DataError
from convscope.evaluation.evaluating import load_own_data

Floats = NDArray[np.float64]
DEFAULT = "nearest, with appearance"
SHRINKAGE = 0.05
SPAN = 64
"""Directions of the span that Mahalanobis' distances, the residual and ViM count."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Some images as a network sees them: logits (N, K), features (N, F), and their pixels."""

    logits: Floats
    features: Floats
    pixels: Tensor


Score = Callable[[Seen], Floats]


def see(classifier: Classifier, images: Tensor) -> Seen:
    """Of uint8 images (N, C, H, W)."""
    backbone = Backbone.of(classifier.network)
    found = in_batches(
        lambda batch, _: backbone(batch), torch.device("cpu"), classifier.preprocessing, images
    )
    logits, features = (each.double().numpy() for each in found)
    return Seen(logits, features, images)


def scores(train: Seen, labels: NDArray[np.int64]) -> dict[str, Score]:
    """Each score that is tried: the greater, the more unlike the training images."""
    features = train.features
    mean = features.mean(axis=0)
    span = np.linalg.svd(features - mean, full_matrices=False)[2][: min(SPAN, len(features) // 3)].T
    inside = (features - mean) @ span
    means = np.stack([inside[labels == label].mean(axis=0) for label in np.unique(labels)])
    own = np.searchsorted(np.unique(labels), labels)
    shared, whole = (_precision(rows) for rows in (inside - means[own], inside))
    known = Familiarity.of(torch.from_numpy(features), train.pixels)

    def coordinates(seen: Seen) -> Floats:
        return np.asarray((seen.features - mean) @ span)

    def mahalanobis(seen: Seen) -> Floats:
        return np.min([_length(coordinates(seen) - each, shared) for each in means], axis=0)

    def residual(seen: Seen) -> Floats:
        rest = seen.features - mean - coordinates(seen) @ span.T
        return np.asarray(np.linalg.norm(rest, axis=1))

    scale = train.logits.max(axis=1).mean() / max(residual(train).mean(), 1e-9)

    def angle(seen: Seen, neighbour: int) -> Floats:
        near = _directions(seen.features) @ _directions(features).T
        return 1 - np.sort(near, axis=1)[:, -neighbour]

    def default(seen: Seen) -> Floats:
        return known.unlikeness(torch.from_numpy(seen.features), seen.pixels).numpy()

    return {
        "max softmax (Hendrycks and Gimpel 2017)": lambda seen: -softmax(seen.logits, axis=1).max(axis=1),
        "max logit (Hendrycks et al. 2022)": lambda seen: -seen.logits.max(axis=1),
        "energy (Liu et al. 2020)": lambda seen: -logsumexp(seen.logits, axis=1),
        "Mahalanobis (Lee et al. 2018)": mahalanobis,
        "relative Mahalanobis (Ren et al. 2021)": lambda seen: (
            mahalanobis(seen) - _length(coordinates(seen), whole)
        ),
        "residual of the span": residual,
        "ViM (Wang et al. 2022)": lambda seen: scale * residual(seen) - logsumexp(seen.logits, axis=1),
        "fifth nearest (Sun et al. 2022)": lambda seen: angle(seen, 5),
        "nearest (Sun et al. 2022)": lambda seen: angle(seen, 1),
        DEFAULT: default,
    }


def _precision(rows: Floats) -> Floats:
    covariance = rows.T @ rows / len(rows)
    average = np.trace(covariance) / len(covariance)
    mixed = (1 - SHRINKAGE) * covariance + SHRINKAGE * average * np.eye(len(covariance))
    return np.asarray(np.linalg.inv(mixed))


def _length(rows: Floats, precision: Floats) -> Floats:
    return np.asarray(np.einsum("ij,jk,ik->i", rows, precision, rows))


def _directions(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12))


def load(source: str, preprocessing: Preprocessing, most: int) -> Tensor:
    """Some images of a source, read as a classifier reads."""
    dataset = load_dataset(
        DataConfig(source=source, task="classification"),
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=0,
        divided=False,
    )
    images = join([each for each in dataset.splits.values() if len(each)]).images
    return images[torch.linspace(0, len(images) - 1, min(most, len(images))).long()]


def letters(count: int, side: int) -> Tensor:
    """Capital letters in white on black, moved and turned a little: (N, 1, side, side)."""
    random, font = np.random.default_rng(0), ImageFont.load_default(size=0.8 * side)
    drawn = []
    for number in range(count):
        image = Image.new("L", (side, side))
        place = tuple(side / 2 + random.integers(-2, 3, size=2))
        letter = "ABCDEFGHJKLMNPQRTUVWXY"[number % 22]
        ImageDraw.Draw(image).text(place, letter, fill=255, font=font, anchor="mm")
        drawn.append(np.asarray(image.rotate(random.uniform(-15, 15), Image.Resampling.BILINEAR)))
    return torch.from_numpy(np.stack(drawn))[:, None]


def things_on_black(source: str, most: int, side: int) -> Tensor:
    """Photos of things on white card as bright things on black, as Fashion-MNIST shows clothes."""
    dark = 255 - load(source, Preprocessing(side, side, 1), most).float()
    low, high = dark.amin((2, 3), keepdim=True), dark.amax((2, 3), keepdim=True)
    stretched = ((dark - low) / (high - low).clamp(min=1) * 1.6 - 0.5).clamp(0, 1)
    return (255 * stretched).round().to(torch.uint8)


def unlike(
    classifier: Classifier, own: str, test: Tensor, photos: Path, most: int
) -> Iterator[tuple[str, Tensor]]:
    """The images that a classifier is asked about, by what they are."""
    preprocessing, random = classifier.preprocessing, np.random.default_rng(0)
    others = [each for each in sorted(photos.glob("*.zip")) if each.stem not in own]
    yield "upside down", test.flip(2, 3)
    yield "inverted", 255 - test
    yield "a quarter as bright", test // 4
    noise = random.integers(0, 256, (most, *test.shape[1:]), dtype=np.uint8)
    yield "noise", torch.from_numpy(noise)
    if preprocessing.channels == 3:
        for each in others:
            yield each.stem, load(str(each), preprocessing, most)
        yield "digits", load("digits", preprocessing, most)
        return
    yield "letters", letters(most, preprocessing.width)
    for each in others:
        if each.stem == "trashnet":
            yield "things on black", things_on_black(str(each), most, preprocessing.width)
        yield each.stem, load(str(each), preprocessing, most)
    try:
        yield "Fashion-MNIST", load("fashion-mnist", preprocessing, most)
    except DataError:
        return


def measure(run: Path, photos: Path, most: int) -> None:
    """Print the tables of one run."""
    classifier = Classifier.load(run)
    data = load_own_data(run, classifier)
    count = min(most_images(Backbone.of(classifier.network).head.in_features), len(data.train))
    rows = torch.linspace(0, len(data.train) - 1, count).long()
    train = see(classifier, data.train.images[rows])
    tried = scores(train, data.train.labels[rows].numpy())
    validation, test = data.validation.images[: 10 * most], data.test.images[:most]
    held_out, like = see(classifier, validation), see(classifier, test)
    asked = {
        name: see(classifier, images) for name, images in unlike(classifier, run.name, test, photos, most)
    }
    print(f"\n## {data.name}: {classifier.network_config.name}, features of {count:,} training images\n")
    print(f"AUROC of each score against {len(test):,} test images; " + _counts(asked) + ".\n")
    print("| score | " + " | ".join(asked) + " | mean | least |")
    print("|---" * (len(asked) + 3) + "|")
    for name, score in tried.items():
        own = score(like)
        found = [_auroc(own, score(each)) for each in asked.values()]
        said = [f"{each:.3f}" for each in (*found, float(np.mean(found)), min(found))]
        print(f"| {name} | " + " | ".join(said) + " |", flush=True)
    print(f"\nFound beyond the threshold, by {len(validation):,} validation images.\n")
    print("| score | test images (false alarms) | " + " | ".join(asked) + " |")
    print("|---" * (len(asked) + 2) + "|")
    for name in ("energy (Liu et al. 2020)", "nearest (Sun et al. 2022)", DEFAULT):
        known = np.sort(tried[name](held_out))
        judge = HeldOut(confidence=known, true=known, right=known > known, unlikeness=known)
        shares = [
            float(judge.is_unknown(judge.likeness(tried[name](each))).mean())
            for each in (like, *asked.values())
        ]
        print(f"| {name} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |")


def _auroc(like: Floats, other: Floats) -> float:
    truth = np.repeat([0, 1], [len(like), len(other)])
    return float(roc_auc_score(truth, np.concatenate([like, other])))


def _counts(asked: dict[str, Seen]) -> str:
    return ", ".join(f"{len(each.pixels):,} {name}" for name, each in asked.items())


def main() -> None:
    """Measure each run named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for run in asked.runs:
        measure(run, asked.photos, asked.images)


if __name__ == "__main__":
    main()
