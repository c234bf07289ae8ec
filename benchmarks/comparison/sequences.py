"""Stopping as soon as it is sure: is the level kept over many looks, and how many trainings does it save?

    python benchmarks/comparison/sequences.py > benchmarks/results/comparison-sequences.md
    python benchmarks/comparison/sequences.py --calibrate      # the levels in comparison/sequential.py

A stream is two recipes that get one seed more each at a time. Figures of seeds are drawn as normal numbers;
what the test images add to the difference is drawn once for each stream, its variance known. One thread.
"""

import argparse
import datetime
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
from numpy.typing import NDArray
from scipy import special

from convscope.comparison.crossed import cross
from convscope.comparison.sequential import FIRST_LOOK, LAST_LEVELS, level

STREAMS = 10_000
CALIBRATING = 100_000
Array = NDArray[np.float64]


class Streams:
    """Streams of seeds of two recipes: after each look the difference, and what makes it uncertain."""

    def __init__(self, apart: float, at_most: int, share: float, streams: int, number: int) -> None:
        random = np.random.default_rng([number, at_most, round(1000 * share)])
        count = np.arange(1, at_most + 1)
        means, variances = [], []
        for shift in (0.0, apart):
            seeds = random.normal(size=(streams, at_most)) + shift
            mean = seeds.cumsum(1) / count
            with np.errstate(divide="ignore", invalid="ignore"):
                variances.append(((seeds**2).cumsum(1) - count * mean**2) / (count - 1) / count)
            means.append(mean)
        images = random.normal(size=(streams, 1)) * np.sqrt(share)
        looks = slice(FIRST_LOOK - 1, None)
        self.apart = np.abs(means[1] - means[0] + images)[:, looks]
        first, second = (each[:, looks] for each in variances)
        self.of_seeds, self.of_images = first + second, share
        self.degrees = self.of_seeds**2 / ((first**2 + second**2) / (count[looks] - 1))

    def p_values(self) -> Array:
        """By Welch's test over seeds, where the images add nothing `(streams, looks)`."""
        found: Array = 2 * special.stdtr(self.degrees, -self.apart / np.sqrt(self.of_seeds))
        return found

    def found(self, allowed: Array) -> NDArray[np.bool_]:
        """Whether each look finds a difference at its level `(streams, looks)`."""
        hit = np.zeros(self.apart.shape, dtype=bool)
        for look, each in enumerate(allowed):
            grid = np.linspace(self.degrees[:, look].min(), self.degrees[:, look].max(), 400)
            students = np.interp(self.degrees[:, look], grid, special.stdtrit(grid, 1 - each / 2))
            half = students**2 * self.of_seeds[:, look] + special.ndtri(1 - each / 2) ** 2 * self.of_images
            hit[:, look] = self.apart[:, look] ** 2 > half
        return hit


def calibrate(at_most: int) -> float:
    """The last look's level with which all looks together have 5 %."""
    shape = np.sqrt(np.arange(FIRST_LOOK, at_most + 1) / at_most)
    least = (Streams(0.0, at_most, 0.0, CALIBRATING, 1).p_values() / shape).min(1)
    return float(np.quantile(least, 0.0475))  # below 5 % whatever this sample does


def levels(at_most: int) -> Array:
    return np.array([level(seeds, at_most) for seeds in range(FIRST_LOOK, at_most + 1)])


def stops(hit: NDArray[np.bool_]) -> tuple[float, float]:
    """How often a difference is found, and after how many seeds of each the stream ends on the mean."""
    looks = np.where(hit.any(1), hit.argmax(1), hit.shape[1] - 1)
    return float(hit.any(1).mean()), float(looks.mean()) + FIRST_LOOK


def apart_for(power: float, at_most: int) -> float:
    """The difference that is found so often, in standard deviations of a seed."""
    low, high = 0.0, 8.0
    for _ in range(12):
        middle = (low + high) / 2
        found, _ = stops(Streams(middle, at_most, 0.0, STREAMS, 2).found(levels(at_most)))
        low, high = (middle, high) if found < power else (low, middle)
    return high


def fixed_number(apart: float, power: float) -> int | None:
    """The least number of seeds, fixed beforehand, that finds the difference as often; None above 60."""
    found = (Streams(apart, 60, 0.0, STREAMS, 3).p_values() < 0.05).mean(0)
    enough = np.flatnonzero(found >= power)
    return int(enough[0]) + FIRST_LOOK if len(enough) else None


def with_images(at_most: int, images: int) -> float:
    """False alarms with answers that are right or wrong, through the whole of the test."""
    random = np.random.default_rng([5, at_most, images])
    alarms = 0
    for _ in range(STREAMS // 500):
        shared = random.normal(size=(500, 1, images), scale=1.2)
        sides = []
        for _ in range(2):
            own = random.normal(size=(500, 1, images), scale=0.5)
            wrong = special.ndtr(-2.2 - shared - own).astype(np.float32)
            sides.append(random.random((500, at_most, images), dtype=np.float32) >= wrong)
        alarmed = np.zeros(500, dtype=bool)
        for seeds in range(FIRST_LOOK, at_most + 1):
            crossed = cross(sides[0][:, :seeds], sides[1][:, :seeds])
            alarmed |= np.abs(crossed.value) > crossed.cautious_half(1 - level(seeds, at_most))
        alarms += int(alarmed.sum())
    return 100 * alarms / STREAMS


def main() -> None:
    """Print the levels, or the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibrate", action="store_true", help="print the levels and nothing else")
    if parser.parse_args().calibrate:
        print({at_most: round(calibrate(at_most) - 5e-5, 4) for at_most in LAST_LEVELS}, flush=True)
        return
    began = time.process_time()
    print("# Streams of seeds, looked at after every pair\n")
    print(f"{datetime.date.today()}. `benchmarks/comparison/sequences.py`: {STREAMS:,} streams in each row.")
    print("\n## False alarms, in per cent\n\nNaive: a look at 5 % after every pair.\n")
    print(
        "| at most | images' variance | false alarms | at 1 % | naive |\n| ---: | ---: | ---: | ---: | ---: |"
    )
    for at_most in (6, 10, 20, 30):
        for share in (0.0, 0.05, 0.1, 0.3, 1.0):
            streams = Streams(0.0, at_most, share, STREAMS, 4)
            kept, strict = (100 * stops(streams.found(levels(at_most) * part))[0] for part in (1.0, 0.2))
            naive = 100 * stops(streams.found(np.full(at_most + 1 - FIRST_LOOK, 0.05)))[0]
            print(f"| {at_most} | {share:g} | {kept:.1f} | {strict:.2f} | {naive:.1f} |", flush=True)
    print("\nWith images, right or wrong, through the whole of the test:\n")
    print("| at most | images | false alarms |\n| ---: | ---: | ---: |")
    for at_most, images in ((10, 300), (20, 300), (10, 1_000)):
        print(f"| {at_most} | {images:,} | {with_images(at_most, images):.1f} |", flush=True)
    print(
        "\n## Trainings saved\n\nSeeds of each until it is sure, beside the least number, fixed beforehand,"
    )
    print("that finds the same difference as often.\n")
    print("| at most | power | difference | fixed | mean | fewer | twice the difference |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for at_most in (10, 20, 30):
        for power in (0.8, 0.9, 0.95):
            apart = apart_for(power, at_most)
            found, seeds = stops(Streams(apart, at_most, 0.0, STREAMS, 6).found(levels(at_most)))
            fixed = fixed_number(apart, found)
            fewer = "–" if fixed is None else f"{100 * (1 - seeds / fixed):.0f} %"
            _, twice = stops(Streams(2 * apart, at_most, 0.0, STREAMS, 7).found(levels(at_most)))
            print(
                f"| {at_most} | {100 * found:.0f} % | {apart:.2f} | {fixed} | {seeds:.1f} | {fewer} | "
                f"{twice:.1f} |",
                flush=True,
            )
    print(f"\n{time.process_time() - began:.0f} s of one CPU.")


if __name__ == "__main__":
    main()
