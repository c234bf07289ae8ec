"""A device's peak: what its large matrix products reach in a number format."""

import time
from dataclasses import dataclass

import torch

FIRST_SIDE, LARGEST_SIDE = 512, 8192
LONG_ENOUGH = 0.08
"""Seconds of one product; a larger one gains no more."""

PRODUCTS = 12


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Of one matrix product of squares, `side` rows each."""

    gflops: float
    side: int


def measure_peak(device: torch.device, precision: torch.dtype) -> Peak:
    """The fastest of several products: what others disturb is slower, and a peak is what can be reached."""
    matmul, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32
    matmul.allow_tf32 = convolution.allow_tf32  # so that products round as convolutions do
    try:
        side = FIRST_SIDE
        while (best := _fastest(device, precision, side, 3)) < LONG_ENOUGH and side < LARGEST_SIDE:
            side *= 2
        best = min(best, _fastest(device, precision, side, PRODUCTS))
    finally:
        matmul.allow_tf32 = before
    return Peak(gflops=2 * side**3 / best / 1e9, side=side)


def _fastest(device: torch.device, precision: torch.dtype, side: int, products: int) -> float:
    random = torch.Generator().manual_seed(0)
    first, second = (torch.randn(side, side, generator=random).to(device, precision) for _ in range(2))
    into = torch.empty_like(first)
    seconds = []
    with torch.inference_mode():
        for _ in range(products):
            synchronise(device)
            start = time.perf_counter()
            torch.mm(first, second, out=into)
            synchronise(device)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def synchronise(device: torch.device) -> None:
    """Wait for what a GPU was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
