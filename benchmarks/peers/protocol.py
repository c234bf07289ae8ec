"""What all peers have in common: what they are asked, how they count, and the one line that they answer.

A peer is a script with a function for each row that it takes part in:

    python with_keras.py vgg12-step --data FOLDER --scratch FOLDER --seed 3

It prints one JSON document on stdout, and nothing else there, whatever its library prints. Where a row
cannot be had, it answers {"failed": what happened}. This file needs nothing but Python.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

GOAL = 0.985
"""Accuracy on MNIST's 10,000 test images at which `mnist` stops."""

LOOK_EVERY = 100
"""Steps between two looks at the test images in `mnist`; the looks are not counted."""


@dataclass(frozen=True)
class Task:
    """One measurement: a row, and all that it is free to use.

    Attributes:
        data: what prepare.py made.
        scratch: an empty folder, gone afterwards.
        epochs: passes over the training images, in `cifar10`.
        limit: seconds of training after which `mnist` gives up.
        quick: a few steps only, to see that the script works; its figures mean nothing.
        variant: which of the ways a peer has, where it has several.
    """

    row: str
    data: Path
    scratch: Path
    seed: int
    threads: int
    epochs: int
    limit: float
    quick: bool
    variant: str


class Counter(Protocol):
    """Counts the steps of a training loop that belongs to somebody else."""

    def after_step(self) -> bool:
        """Call after each update of the weights; True: stop."""
        ...


class StepTimes:
    """Seconds from the end of one step to the end of the next, everything between them counted."""

    def __init__(self, task: Task, burn_in: int = 5, steps: int = 20) -> None:
        self.burn_in = 1 if task.quick else burn_in
        self.most = self.burn_in + (2 if task.quick else steps)
        self.ends: list[float] = []

    def after_step(self) -> bool:
        self.ends.append(time.perf_counter())
        return len(self.ends) > self.most

    def figures(self) -> dict[str, Any]:
        ends = self.ends[self.burn_in :]
        seconds = [after - before for before, after in pairwise(ends)]
        return {"seconds_a_step": statistics.median(seconds), "steps": len(seconds)}


class TimeToGoal:
    """Seconds of training until the test accuracy is there; a look at it costs nothing."""

    def __init__(self, task: Task, accuracy: Callable[[], float]) -> None:
        self.task, self.accuracy = task, accuracy
        self.steps, self.seconds, self.looking, self.reached = 0, 0.0, 0.0, 0.0
        self.start = time.perf_counter()

    def after_step(self) -> bool:
        self.steps += 1
        if self.steps % LOOK_EVERY and not self.task.quick:
            return False
        now = time.perf_counter()
        self.seconds += now - self.start
        self.reached = self.accuracy()
        self.start = time.perf_counter()
        self.looking += self.start - now
        return self.arrived or self.seconds > self.task.limit or (self.task.quick and self.steps >= 2)

    @property
    def arrived(self) -> bool:
        return self.reached >= GOAL

    def figures(self) -> dict[str, Any]:
        return {
            "seconds_of_training": self.seconds if self.arrived else None,
            "seconds_from_start": seconds_from_start() - self.looking if self.arrived else None,
            "accuracy": self.reached,
            "arrived": self.arrived,
            "steps": self.steps,
        }


def median_seconds(work: Callable[[], object], task: Task, burn_in: int = 3, times: int = 15) -> float:
    """Median time of a piece of work."""
    if task.quick:
        burn_in, times = 1, 2
    seconds = []
    for _ in range(burn_in + times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[burn_in:])


def judge(probabilities: Sequence[Sequence[float]], labels: Sequence[int]) -> dict[str, Any]:
    """Accuracy and log loss (natural logarithm, probabilities of at least 1e-7)."""
    right = sum(
        max(range(len(row)), key=row.__getitem__) == label
        for row, label in zip(probabilities, labels, strict=True)
    )
    losses = [
        -math.log(max(float(row[label]), 1e-7)) for row, label in zip(probabilities, labels, strict=True)
    ]
    return {"accuracy": right / len(labels), "log_loss": sum(losses) / len(losses), "images": len(labels)}


def seconds_from_start() -> float:
    """Seconds since this process began, its imports included."""
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - started / os.sysconf("SC_CLK_TCK")


def answer(rows: dict[str, Callable[[Task], dict[str, Any]]]) -> None:
    """Run the row that the command line names, and print what came of it."""
    task = parse(rows)
    result_stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr
    try:
        figures = rows[task.row](task)
        figures.setdefault("seconds_from_start", seconds_from_start())
    except Exception as error:  # what a peer cannot do is a result
        traceback.print_exc()
        figures = {"failed": f"{type(error).__name__}: {str(error).strip()[:300]}"}
    print(json.dumps(figures), file=result_stream, flush=True)
    sys.stderr.flush()
    os._exit(0)  # threads that a library left behind do not hold the result back


def parse(rows: dict[str, Any]) -> Task:
    parser = argparse.ArgumentParser(description="One measurement of one peer.")
    parser.add_argument("row", choices=rows)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--variant", default="")
    return Task(**vars(parser.parse_args()))
