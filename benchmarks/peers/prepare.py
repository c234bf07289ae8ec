"""Lay out the images for all peers alike: files in class folders, and arrays; nothing is resized or changed.

    CONVSCOPE_DATA=… python benchmarks/peers/prepare.py FOLDER      # with convscope's Python

CONVSCOPE_DATA holds MNIST/raw, cifar10-jpeg/train.zip and test.zip, and kittencat.zip. The five folds of
the photos are those that `convscope train kittencat.zip --folds 5` deals, so that every peer sees the same.
"""

import argparse
import os
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import MNIST

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.training.folding.folds import split_into_folds

FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    source = Path(os.environ["CONVSCOPE_DATA"]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lay_out_mnist(source, folder)
    lay_out_cifar10(source / "cifar10-jpeg", folder / "cifar10")
    lay_out_photos(source / "kittencat.zip", folder / "photos")


def lay_out_mnist(source: Path, folder: Path) -> None:
    """The original files, one .npz as Keras has it, and PNG files for who reads nothing else."""
    link(folder / "MNIST", source / "MNIST")
    arrays = {}
    for split, is_train in (("train", True), ("test", False)):
        data = MNIST(folder, train=is_train)
        arrays[f"x_{split}"], arrays[f"y_{split}"] = data.data.numpy(), data.targets.numpy()
        for index, (image, label) in enumerate(zip(arrays[f"x_{split}"], arrays[f"y_{split}"], strict=True)):
            path = folder / "mnist-png" / split / str(label) / f"{index:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    np.savez(folder / "mnist.npz", **arrays)


def lay_out_cifar10(source: Path, folder: Path) -> None:
    for split in ("train", "test"):
        with zipfile.ZipFile(source / f"{split}.zip") as archive:
            archive.extractall(folder / split)
    link(folder / "archives", source)


def lay_out_photos(archive: Path, folder: Path) -> None:
    """`all/CLASS/`, and for each fold `fold-1/train/CLASS/` and `fold-1/test/CLASS/`, of links."""
    with zipfile.ZipFile(archive) as photos:
        photos.extractall(folder / "all")
    link(folder / archive.name, archive)
    config = DataConfig(source=str(archive), folds=FOLDS)
    dataset = load_dataset(config, size=(32, 32), channels=3, fit="squash", seed=0)
    for number, fold in enumerate(split_into_folds(dataset, FOLDS, seed=0), start=1):
        for split in ("train", "test"):
            for name in fold.dataset.splits[split].ids:
                link(folder / f"fold-{number}" / split / readable(name), folder / "all" / name)


def readable(name: str) -> str:
    """A name that torchvision takes for an image: two of the photos end in .img."""
    return f"{name}.jpg" if name.endswith(".img") else name


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target.resolve())


if __name__ == "__main__":
    main()
