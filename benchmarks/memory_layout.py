"""Images per second, forward and backward, with channels first and channels last in memory, in turn.

python benchmarks/memory_layout.py
"""

import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network

BATCH = 128
ROUNDS = 7
CASES = {"two-conv": (1, 28), "conv4": (1, 28), "small-resnet": (3, 32)}


def seconds_per_step(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
    return (time.perf_counter() - start) / steps


def main() -> None:
    print(f"{torch.get_num_threads()} threads, batch {BATCH}, median of {ROUNDS} rounds in turn, images/s")
    print(f"{'network':14} {'first':>8} {'last':>8}  last / first, per round: median (min-max)")
    for name, (channels, side) in CASES.items():
        networks = {}
        for layout in (torch.contiguous_format, torch.channels_last):
            network = build_network(
                NetworkConfig(name=name),
                in_channels=channels,
                image_size=(side, side),
                num_classes=10,
                seed=0,
            )
            networks[layout] = network.to(memory_format=layout)
        images = torch.rand(BATCH, channels, side, side, generator=torch.Generator().manual_seed(0))
        labels = torch.arange(BATCH) % 10
        seconds: dict[torch.memory_format, list[float]] = {layout: [] for layout in networks}
        for layout, network in networks.items():
            seconds_per_step(network, images.contiguous(memory_format=layout), labels, 2)
        for _ in range(ROUNDS):
            for layout, network in networks.items():
                arranged = images.contiguous(memory_format=layout)
                seconds[layout].append(seconds_per_step(network, arranged, labels, 5))
        first, last = seconds[torch.contiguous_format], seconds[torch.channels_last]
        ratios = [a / b for a, b in zip(first, last, strict=True)]
        rates = [BATCH / statistics.median(values) for values in (first, last)]
        print(
            f"{name:14} {rates[0]:8,.0f} {rates[1]:8,.0f}  "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
