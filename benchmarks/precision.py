"""Milliseconds per step, forward and backward, in float32 and bfloat16 on the CPU, in turn.

python benchmarks/precision.py
"""

import statistics
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network

CASES = (("two-conv", 1, 28, 128), ("conv4", 1, 28, 64), ("small-resnet", 3, 32, 64), ("vgg12", 1, 28, 32))
PRETRAINED = ("efficientnet-lite0", 3, 160, 16)
ROUNDS = 5


def step(network: nn.Module, images: Tensor, labels: Tensor, enabled: bool) -> float:
    """Milliseconds of one step."""
    start = time.perf_counter()
    network.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        logits = network(images)
    F.cross_entropy(logits.float(), labels).backward()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    native = torch.cpu._is_avx512_bf16_supported()
    print(f"{torch.get_num_threads()} threads, bfloat16 native: {native}; ms per step, median of {ROUNDS}")
    for case in (*CASES, PRETRAINED):
        name, channels, side, batch = case
        network = build_network(
            NetworkConfig(name=name), in_channels=channels, image_size=(side, side), num_classes=10, seed=0
        ).to(memory_format=torch.channels_last)
        images = torch.rand(batch, channels, side, side).contiguous(memory_format=torch.channels_last)
        labels = torch.arange(batch) % 10

        for enabled in (False, True):
            step(network, images, labels, enabled)
        times = [tuple(step(network, images, labels, on) for on in (False, True)) for _ in range(ROUNDS)]
        single, half = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        print(f"{name:20} float32 {single:7.1f}  bfloat16 {half:7.1f}  ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
