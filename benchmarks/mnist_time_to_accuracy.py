"""Seconds of training to 98.5 % on MNIST's test images: the source's recipe in plain PyTorch, and convscope.

    CONVSCOPE_DATA=… python benchmarks/mnist_time_to_accuracy.py --seeds 5 --more 10

In turn, in one run, the same network, the same threads, the same 55,000 training images.
- plain: DataLoader over tensors that are already in memory (faster than decoding them anew), Adam 1e-4,
  batch 64, eager (row E12 of the reference experiments). Looking at it every 250 steps is not counted; it
  stops when the test accuracy is there.
- convscope: `convscope train mnist --network two-conv` with its defaults. All its time from the first step to
  the last is counted. A run that ends below 98.5 % counts as not arrived.
With `--more`, so many seeds more of convscope alone, for the share that gets there and how far beyond.
"""

import argparse
import os

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # for both alike; the convscope command sets it by itself

import statistics
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

import convscope as cs
from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.networks.two_conv import TwoConv

GOAL = 0.985
LOOK_EVERY = 250
MOST_STEPS = 30_000


def plain_seconds(seed: int, splits: dict[str, TensorDataset]) -> tuple[float, float]:
    """Seconds of training until the goal, and the accuracy there."""
    torch.manual_seed(seed)
    network = TwoConv(1, (28, 28), 10)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.trunc_normal_(parameter, std=0.05, a=-0.1, b=0.1)
        else:
            torch.nn.init.constant_(parameter, 0.05)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    seconds, step = 0.0, 0
    while step < MOST_STEPS:
        start = time.perf_counter()
        for images, labels in DataLoader(splits["train"], batch_size=64, shuffle=True):
            loss = F.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step % LOOK_EVERY == 0:
                seconds += time.perf_counter() - start
                accuracy = test_accuracy(network, splits["test"])
                if accuracy >= GOAL:
                    return seconds, accuracy
                start = time.perf_counter()
        seconds += time.perf_counter() - start
    return float("inf"), accuracy


@torch.no_grad()
def test_accuracy(network: torch.nn.Module, test: TensorDataset) -> float:
    images, labels = test.tensors
    network.eval()
    outputs = [network(part).argmax(1) for part in images.split(500)]
    right = int((torch.cat(outputs) == labels).sum())
    network.train()
    return right / len(labels)


def convscope_seconds(seed: int) -> tuple[float, float]:
    """Seconds of the whole training, and the accuracy at its end."""
    with tempfile.TemporaryDirectory() as runs:
        summary = cs.train("mnist", network="two-conv", seed=seed, runs=runs).summary
    accuracy = summary["test"]["accuracy"]["value"]
    return (summary["seconds"]["train"] if accuracy >= GOAL else float("inf")), accuracy


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="in which both are trained")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--more", type=int, default=0, help="seeds of convscope alone, after those")
    parser.add_argument("--write", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    dataset = load_dataset(DataConfig(source="mnist"), size=(28, 28), channels=1, fit="crop", seed=0)
    splits = {
        name: TensorDataset(part.images.all().float() / 255, part.labels)
        for name, part in dataset.splits.items()
    }
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    say(f"{torch.get_num_threads()} threads, torch {torch.__version__}; seconds of training to {GOAL:.1%}")
    ratios, runs = [], []
    first_alone = arguments.first + arguments.seeds
    for seed in range(arguments.first, first_alone):
        plain, plain_accuracy = plain_seconds(seed, splits)
        runs.append(convscope_seconds(seed))
        ours, our_accuracy = runs[-1]
        ratios.append(plain / ours)
        say(
            f"seed {seed}: plain {plain:6.1f} s ({plain_accuracy:.2%})   "
            f"convscope {ours:5.1f} s ({our_accuracy:.2%})   ratio {plain / ours:.1f}"
        )
    for seed in range(first_alone, first_alone + arguments.more):
        runs.append(convscope_seconds(seed))
        say(f"seed {seed}: convscope {runs[-1][0]:5.1f} s ({runs[-1][1]:.2%})")
    if ratios:
        median, least, greatest = statistics.median(ratios), min(ratios), max(ratios)
        say(f"ratio: median {median:.1f}, least {least:.1f}, greatest {greatest:.1f}")
    seconds, accuracies = zip(*runs, strict=True)
    say(
        f"convscope: {sum(value >= GOAL for value in accuracies)} of {len(runs)} runs get there, in "
        f"{statistics.median(seconds):.1f} s (median; greatest {max(seconds):.1f}); "
        f"test accuracy {statistics.mean(accuracies):.2%} on average, {min(accuracies):.2%} at the least"
    )
    if arguments.write:
        arguments.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
