"""Kill training at random points and show that what goes on is, bit for bit, what was never stopped.

    python scripts/kill_and_resume.py --kills 50

Each kill is a SIGKILL to a process of its own: at a random moment, or in the middle of writing, flushing or
renaming a file. Dropout, augmentation, momentum and an average of the weights are on. Exit code 0: every
resumed run equals the uninterrupted one in network, average, optimizer state, metrics and predictions;
1: some do not. `--forget-random-state` is the control: it draws dropout anew after the resumption, and must
end with 1.
"""

import argparse
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.runs import atomic
from convscope.runs.folder import Run
from convscope.training import step
from convscope.training.progress import Silent
from convscope.training.start import resume_training, start_training

KINDS = ("moment", "moment", "write", "flush", "rename")
STEPS = 30
CONFIG = override(
    ExperimentConfig(),
    {
        "network.name": "two-conv",
        "network.dropout": 0.5,
        "augmentation.preset": "digits",
        "training.optimizer": "momentum",
        "training.learning_rate": 0.02,
        "training.batch_size": 64,
        "training.ema": 0.9,
        "training.steps": STEPS,
        "training.checkpoint_every": 3,
        "training.validate_every": 10,
        "training.record_every": 2,
        "training.threads": 1,
    },
)


class Herald(Silent):
    """Tells the parent through a pipe that steps begin, and each step."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        os.write(self._pipe, b"s")

    def on_step(self, step: int, images: int) -> None:
        os.write(self._pipe, b".")


def in_child(work: Callable[[int], object]) -> tuple[int, int]:
    """Fork a process that does `work(pipe)`; returns its id and the reading end of the pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            work(writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return child, reading


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_in(kind: str, call: int) -> None:
    """Let this process kill itself in the given call of a kind, half-way through where there is a half."""
    counter = [0]

    def reached() -> bool:
        counter[0] += 1
        return counter[0] == call

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    real_write, real_flush, real_rename = atomic._write_and_flush, os.fsync, os.rename

    def write(path: Path, content: bytes) -> None:
        if reached():
            path.write_bytes(content[: len(content) // 2])
            kill()
        real_write(path, content)

    def flush(descriptor: int) -> None:
        if reached():
            kill()
        real_flush(descriptor)

    def rename(source: Path, target: Path) -> None:
        if reached():
            kill()
        real_rename(source, target)

    match kind:
        case "write":
            atomic._write_and_flush = write
        case "flush":
            os.fsync = flush
        case "rename":
            os.rename = rename


def train_and_die(runs: Path, kind: str, chance: random.Random, step_seconds: float) -> bool:
    """Start a run and kill it; returns whether it died, and did not get to its end."""
    calls = {"write": 3 * STEPS // 3 + 12, "flush": 5 * STEPS // 3, "rename": STEPS // 3, "moment": 1}[kind]
    call = chance.randint(1, calls)

    def work(pipe: int) -> None:
        die_in(kind, call)
        start_training(CONFIG, runs=runs, name="victim", progress=Herald(pipe))

    child, pipe = in_child(work)
    if kind == "moment":
        os.read(pipe, 1)
        delay = chance.uniform(0, STEPS * step_seconds)
        select.select([], [], [], delay)
        os.kill(child, signal.SIGKILL)
    code = wait(child)
    os.close(pipe)
    return code == -signal.SIGKILL


def go_on(runs: Path, forget_random_state: bool) -> int:
    """Resume the killed run in a process of its own; a run killed before its first file starts anew."""

    def work(pipe: int) -> None:
        if forget_random_state:
            step.derive_seed = lambda *parts: time.time_ns() % 2**62
        path = runs / "victim"
        if (path / "config.json").is_file():
            resume_training(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
            start_training(CONFIG, runs=runs, name="victim")

    child, pipe = in_child(work)
    code = wait(child)
    os.close(pipe)
    return code


def differences(a: Run, b: Run) -> list[str]:
    """What is not equal, bit for bit, between two finished runs; times aside."""
    found = []
    first, second = a.checkpoint(), b.checkpoint()
    for part in ("network", "training"):
        tensors, others = getattr(first, part), getattr(second, part)
        if tensors.keys() != others.keys():
            found.append(f"{part}: other tensors")
        found += [f"{part}: {name}" for name in tensors if not torch.equal(tensors[name], others[name])]
    timeless = [[without_time(record) for record in run.metrics()] for run in (a, b)]
    if timeless[0] != timeless[1]:
        found.append("metrics")
    if without_time(first.state) != without_time(second.state):
        found.append("state")
    for split in ("validation", "test"):
        predictions = [run.read_arrays(f"predictions/{split}.npz") for run in (a, b)]
        if any(not np.array_equal(predictions[0][name], predictions[1][name]) for name in predictions[0]):
            found.append(f"predictions: {split}")
    return found


def without_time(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in ("seconds", "images_per_second")}


def reference(runs: Path) -> tuple[Run, float]:
    """The run that was never stopped, and its seconds a step."""
    child, pipe = in_child(lambda _: start_training(CONFIG, runs=runs, name="reference"))
    assert wait(child) == 0
    os.close(pipe)
    run = Run.open(runs / "reference")
    return run, run.read("summary.json")["seconds"]["train"] / STEPS


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--forget-random-state", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    print(f"seed {arguments.seed}")
    bad = survived = 0
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        never_stopped, step_seconds = reference(runs)
        for number in range(1, arguments.kills + 1):
            kind = KINDS[(number - 1) % len(KINDS)]
            died = train_and_die(runs, kind, chance, step_seconds)
            code = go_on(runs, arguments.forget_random_state)
            victim = runs / "victim"
            found = (
                differences(never_stopped, Run.open(victim)) if code == 0 else [f"resuming failed ({code})"]
            )
            bad += bool(found)
            survived += not died
            state = "killed" if died else "was done before its kill"
            print(
                f"{number:3} {kind:7} {state}, resumed: {'equal' if not found else ', '.join(found)}",
                flush=True,
            )
            shutil.rmtree(victim)
    print(
        f"{arguments.kills - bad} of {arguments.kills} equal, bit for bit; {survived} ended before their kill"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
