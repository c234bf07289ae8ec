"""Images per second in the first and the second epoch: convscope against ImageFolder and a DataLoader.

    python benchmarks/photo_epochs.py kittencat.zip --write benchmarks/results/photo_epochs.md

The photos given (a folder or an archive of class folders) are laid out four to a picture, with a little
sensor noise, as JPEGs of about 1 megapixel and quality 88: real content, in as many files as wanted.

Both sides end with the same: shuffled batches of 32, 224 px, centre crop, augmented, float32, standardised.
Their order of work is the usual one of each:

- torchvision: ImageFolder, transforms.v2 on each image, DataLoader with 2 workers; decodes in every epoch.
  Transforms run on Pillow images or on tensors, whichever is the faster here.
- convscope: what comes before and within the first steps of a run: headers read, files hashed, decoded into
  an empty cache, copies looked for, mean and deviation measured, then whole batches augmented. The second
  epoch takes pixels from memory. A second run finds the cache filled: its first epoch is measured too.

They are measured in turn, round after round, in one process; figures are medians over the rounds.
CPU seconds are user and system time, workers included: on a machine that others use too, they say more.
"""

import argparse
import datetime
import io
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line does

import numpy as np
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from convscope.cli.process import tune_process
from convscope.config.asked import DataConfig
from convscope.data.augmentation import Augmentation
from convscope.data.batches import epoch_batches
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import measure_preprocessing
from convscope.data.sources import FileSource, open_source
from convscope.data.survey import survey_source

SIZE, BATCH, WORKERS = 224, 32, 2
PICTURE = (1152, 864)
QUALITY = 88
BILINEAR = v2.InterpolationMode.BILINEAR
AFFINE = v2.RandomAffine(10, translate=(0.05, 0.05), scale=(1 / 1.2, 1.2), interpolation=BILINEAR)
JITTER = v2.ColorJitter(0.2, 0.2, 0.2)
PERSPECTIVE = v2.RandomPerspective(0.15, p=1.0, interpolation=BILINEAR)
RECIPES: dict[str, list[v2.Transform]] = {
    "photos": [v2.RandomHorizontalFlip(), AFFINE, PERSPECTIVE, JITTER],
    "photos, perspective=0": [v2.RandomHorizontalFlip(), AFFINE, JITTER],
}
"""Operations in convscope's text, and as torchvision's transforms."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over all images took."""

    seconds: float
    cpu_seconds: float


def make_photos(archive: str, folder: Path, count: int) -> int:
    """Write `count` JPEGs in two class folders; returns their bytes."""
    source = open_source(DataConfig(source=archive))
    assert isinstance(source, FileSource)
    items = source.items

    def write(number: int) -> int:
        generator = np.random.default_rng(number)
        tile = (PICTURE[0] // 2, PICTURE[1] // 2)
        picture = Image.new("RGB", PICTURE)
        for place, index in enumerate(generator.choice(len(items), 4, replace=False)):
            with Image.open(io.BytesIO(items[index].read())) as photo:
                part = photo.convert("RGB").resize(tile, Image.Resampling.LANCZOS)
            picture.paste(part, (place % 2 * tile[0], place // 2 * tile[1]))
        noisy = np.asarray(picture, dtype=np.float32) + generator.normal(0, 3, (*PICTURE[::-1], 1))
        path = folder / ("cat", "dog")[number % 2] / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
        return path.stat().st_size

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(write, range(count)))


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def timed(work: Callable[[], None]) -> Epoch:
    """Run it once."""
    cpu, start = cpu_seconds(), time.perf_counter()
    work()
    return Epoch(time.perf_counter() - start, cpu_seconds() - cpu)


@contextmanager
def empty_cache() -> Iterator[None]:
    """A pixel cache of its own, that goes with the block."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before


class Ours:
    """One run of convscope, as far as its images go."""

    def __init__(self, folder: Path, recipe: str) -> None:
        self.folder, self.augmentation = folder, Augmentation.from_text(recipe)

    def first(self) -> None:
        """All that comes before the first step, and the first epoch."""
        config = DataConfig(source=str(self.folder), validation_fraction=0.0, test_fraction=0.0)
        source = open_source(config)
        survey_source(source, config.max_pixels)
        dataset = load_dataset(config, size=(SIZE, SIZE), channels=3, fit="crop", seed=0, source=source)
        self.train = dataset.train
        self.preprocessing = measure_preprocessing(
            self.train.images, fit="crop", centre="channel", scale=True
        )
        self.epoch(0)

    def second(self) -> None:
        """The next epoch of the same run."""
        self.epoch(1)

    def epoch(self, epoch: int) -> None:
        """The batches of one epoch, as the training loop makes them."""
        batches = epoch_batches(len(self.train), BATCH, seed=0, epoch=epoch)
        for step, indices in enumerate(batches):
            images, _ = self.augmentation.apply(
                self.train.images[indices],
                self.train.labels[indices],
                num_classes=2,
                seed=0,
                step=epoch * len(batches) + step,
            )
            images = self.preprocessing.standardise(images, in_place=True)
            assert images.shape[1:] == (3, SIZE, SIZE)


def torchvision_loader(folder: Path, recipe: str, *, on_tensors: bool) -> DataLoader[tuple[object, int]]:
    """ImageFolder and DataLoader as their documentation puts them together."""
    fit = [v2.Resize(SIZE), v2.CenterCrop(SIZE)]
    floats = [
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    steps = [*fit, v2.ToImage(), *RECIPES[recipe]] if on_tensors else [*fit, *RECIPES[recipe], v2.ToImage()]
    images = ImageFolder(str(folder), v2.Compose([*steps, *floats]))
    return DataLoader(images, BATCH, shuffle=True, num_workers=WORKERS)


def one_epoch(loader: DataLoader[tuple[object, int]]) -> None:
    """Take every batch; the workers have ended afterwards."""
    for images, _ in loader:
        assert isinstance(images, torch.Tensor)


def faster_on_tensors(folder: Path, recipe: str) -> bool:
    """Whether torchvision's transforms run faster on tensors than on Pillow images; both in turn."""
    spent = {True: 0.0, False: 0.0}
    for _ in range(2):
        for on_tensors in spent:
            images = torchvision_loader(folder, recipe, on_tensors=on_tensors).dataset
            cpu = time.process_time()
            for index in range(48):
                images[index]
            spent[on_tensors] += time.process_time() - cpu
    return spent[True] < spent[False]


def measure(folder: Path, recipe: str, rounds: int) -> tuple[dict[str, list[Epoch]], str]:
    """All epochs by name, and on what torchvision's transforms ran."""
    on_tensors = faster_on_tensors(folder, recipe)
    epochs: dict[str, list[Epoch]] = {}

    def note(name: str, work: Callable[[], None]) -> None:
        epochs.setdefault(name, []).append(timed(work))

    for _ in range(rounds):
        loader = torchvision_loader(folder, recipe, on_tensors=on_tensors)
        note("torchvision, first", lambda loader=loader: one_epoch(loader))
        with empty_cache():
            ours = Ours(folder, recipe)
            note("convscope, first", ours.first)
            note("torchvision, second", lambda loader=loader: one_epoch(loader))
            note("convscope, second", ours.second)
            note("convscope, first of the next run", Ours(folder, recipe).first)
    return epochs, "tensors" if on_tensors else "Pillow images"


def table(epochs: dict[str, list[Epoch]], count: int) -> list[str]:
    """A line for each kind of epoch, with its ratio to torchvision's."""
    lines = ["| epoch | images/s | ratio | CPU s | ratio of CPU s |", "|---|---|---|---|---|"]
    for name, measured in epochs.items():
        base = epochs["torchvision, second" if "second" in name else "torchvision, first"]
        wall = [b.seconds / e.seconds for b, e in zip(base, measured, strict=True)]
        cpu = [b.cpu_seconds / e.cpu_seconds for b, e in zip(base, measured, strict=True)]
        rate = statistics.median(count / e.seconds for e in measured)
        spent = statistics.median(e.cpu_seconds for e in measured)
        ratios = ("", "") if base is measured else (f"{_middle(wall)}×", f"{_middle(cpu)}×")
        lines.append(f"| {name} | {rate:,.0f} | {ratios[0]} | {spent:.1f} | {ratios[1]} |")
    return lines


def _middle(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})"


def report(archive: str, count: int, rounds: int, machine: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photos"
        total = make_photos(archive, folder, count)
        results = {recipe: measure(folder, recipe, rounds) for recipe in RECIPES}
    lines = [
        "# A folder of photos: convscope against torchvision's ImageFolder and DataLoader",
        "",
        f"{datetime.date.today()}, {machine}, {os.cpu_count()} cores,",
        f"load {os.getloadavg()[1]:.0f} (this and others), torch {torch.__version__},",
        f"torchvision {torchvision.__version__}.",
        "",
        f"{count:,} JPEGs of {PICTURE[0]}×{PICTURE[1]} px, quality {QUALITY},",
        f"{total / count / 1000:,.0f} kB each; each of four photos of {Path(archive).name}.",
        f"{SIZE} px, batches of {BATCH}, {WORKERS} workers for torchvision,",
        f"{torch.get_num_threads()} threads for convscope.",
        f"Median of {rounds} rounds, in turn; ratios round by round, in brackets the least and the largest.",
        "No network: images alone. convscope's first epoch holds all that a run does before its first step:",
        "headers, hashes, decoding, the cache, the search for copies.",
    ]
    for recipe, (epochs, kind) in results.items():
        lines += ["", f"## Augmentation `{recipe}`", "", f"torchvision's transforms ran on {kind}.", ""]
        lines += table(epochs, count)
    command = f"python benchmarks/photo_epochs.py {Path(archive).name} --images {count} --rounds {rounds}"
    return "\n".join([*lines, "", f"Made by `{command}`."]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", help="photos to make the pictures of: a folder or an archive")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="this machine")
    parser.add_argument("--write", type=Path, help="also write the result here")
    options = parser.parse_args()
    tune_process()  # what the command does; it holds for both sides
    result = report(options.archive, options.images, options.rounds, options.machine)
    print(result)
    if options.write:
        options.write.write_text(result)


if __name__ == "__main__":
    main()
