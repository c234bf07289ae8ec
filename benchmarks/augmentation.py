"""Images augmented per second: convscope on whole batches against torchvision.transforms.v2.

    python benchmarks/augmentation.py                    one thread, per second of CPU time
    python benchmarks/augmentation.py --threads 2        two threads or workers, per second on the clock

Everything starts from the same uint8 pixels in memory and ends as float32 batches in 0..1. The methods are
measured in turn, round after round, in one process; figures are medians over the rounds. CPU time is the
measure on a machine that others use too; with more threads each waits for the one that was interrupted, so
`--threads 2` wants an idle machine.

- v2 per image: each image through v2.Compose, then stacked: what each worker of a DataLoader does.
- v2, workers (only with more threads): that DataLoader, one worker for each thread, already running.
- v2 per batch: v2.Compose on the whole batch. One draw for all its images: *less* augmentation.
"""

import argparse
import datetime
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from convscope.cli.process import tune_process
from convscope.data.augmentation import Augmentation

SIZES = {224: 64, 32: 512}
"""Side of the image: images in a batch."""

COLOURS = "brightness=0.2, contrast=0.2, saturation=0.2"


def recipes(size: int) -> dict[str, tuple[str, list[v2.Transform]]]:
    """For each name the operations in convscope's text and as v2's transforms."""
    flip = v2.RandomHorizontalFlip()
    jitter = v2.ColorJitter(0.2, 0.2, 0.2)
    bilinear = v2.InterpolationMode.BILINEAR
    affine = v2.RandomAffine(10, translate=(0.05, 0.05), scale=(1 / 1.2, 1.2), interpolation=bilinear)
    return {
        "resized crop, flip, colour": (
            f"flip-horizontal, shift=0.1, zoom=0.25, {COLOURS}",
            [v2.RandomResizedCrop(size, scale=(0.64, 1.0)), flip, jitter],
        ),
        "affine, flip, colour": (
            f"flip-horizontal, rotate=10, shift=0.05, zoom=0.2, {COLOURS}",
            [affine, flip, jitter],
        ),
        "preset photos": (
            "photos",
            [affine, v2.RandomPerspective(0.15, p=1.0, interpolation=bilinear), flip, jitter],
        ),
        "pad-and-crop, flip": (
            "flip-horizontal, pad-and-crop=4",
            [v2.RandomCrop(size, padding=4, padding_mode="reflect"), flip],
        ),
    }


class Images(Dataset[Tensor]):
    """Pixels in memory, each image transformed when it is asked for."""

    def __init__(self, images: Tensor, transform: Callable[[Tensor], Tensor]) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.transform(self.images[index])


def methods(images: Tensor, text: str, transforms: list[v2.Transform]) -> dict[str, Callable[[], int]]:
    """For each way of doing it a function that augments some images and says how many."""
    count = len(images)
    labels = torch.zeros(count, dtype=torch.int64)
    compose = v2.Compose([*transforms, v2.ToDtype(torch.float32, scale=True)])
    augmentation = Augmentation.from_text(text)
    workers = torch.get_num_threads()
    loader = DataLoader(
        Images(images.repeat(8, 1, 1, 1), compose), count, num_workers=workers, persistent_workers=True
    )

    def whole_batch() -> int:
        step = torch.randint(2**31, ()).item()
        augmentation.apply(images, labels, num_classes=2, seed=0, step=int(step))
        return count

    def per_image() -> int:
        torch.stack([compose(image) for image in images])
        return count

    def in_workers() -> int:
        return sum(len(batch) for batch in loader)

    def per_batch() -> int:
        compose(images)
        return count

    ways = {"convscope": whole_batch, "v2 per image": per_image, "v2 per batch*": per_batch}
    return ways if workers == 1 else ways | {f"v2, {workers} workers": in_workers}


def images_per_second(ways: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            done = way()
            rates[name].append(done / (clock() - start))
    return {name: statistics.median(measured[1:]) for name, measured in rates.items()}  # the first warms up


def report(rounds: int, machine: str) -> str:
    threads = torch.get_num_threads()
    measure = "one thread, per second of CPU time" if threads == 1 else f"{threads} threads, per second"
    lines = [
        "# Augmentation: convscope against torchvision.transforms.v2",
        "",
        f"{datetime.date.today()}, {machine}, torch {torch.__version__},",
        f"torchvision {torchvision.__version__}. Images, {measure}; median of {rounds} rounds, the methods",
        "in turn. Ratio: convscope to that method.",
        "",
    ]
    generator = torch.Generator().manual_seed(0)
    for size, count in SIZES.items():
        images = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)
        for name, (text, transforms) in recipes(size).items():
            rates = images_per_second(methods(images, text, transforms), rounds)
            ours = rates.pop("convscope")
            if not lines[-1].startswith("|"):
                columns = " | ".join(f"{other} | ratio" for other in rates)
                lines.append(f"| size | batch | operations | convscope | {columns} |")
                lines.append("|---|---|---|---|" + "---|---|" * len(rates))
            others = " | ".join(f"{other:,.0f} | {ours / other:.1f}×" for other in rates.values())
            lines.append(f"| {size} | {count} | {name} | {ours:,.0f} | {others} |")
    lines += [
        "",
        "\\* One draw for the whole batch: every image is turned, moved and coloured alike, so this is less",
        "augmentation than the other columns give. convscope draws for each image.",
        "",
        f"Made by `python benchmarks/augmentation.py --threads {threads}`.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--machine", default="this machine")
    parser.add_argument("--write", type=Path, help="also write the result here")
    options = parser.parse_args()
    tune_process()  # what the command does; it holds for all methods
    torch.set_num_threads(options.threads)
    result = report(options.rounds, options.machine)
    print(result)
    if options.write:
        options.write.write_text(result)


if __name__ == "__main__":
    main()
