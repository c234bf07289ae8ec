"""Random numbers that depend on nothing but (seed, step)."""

import torch
from torch import Tensor


def step_generator(seed: int, step: int) -> torch.Generator:
    """A generator on the CPU for one step, so that every device gets the same draws.

    Seed and step are scrambled together (the finaliser of SplitMix64; Steele, Lea and Flood 2014):
    neighbouring steps, and (seed, step + 1) against (seed + 1, step), share nothing.
    """
    mixed = _scramble(_scramble(seed & _MASK) + step & _MASK)
    return torch.Generator().manual_seed(mixed - (1 << 63))


def uniform(generator: torch.Generator, count: int, low: float, high: float) -> Tensor:
    """`(count,)` float32, evenly from low to high."""
    return torch.rand(count, generator=generator) * (high - low) + low


def chance(generator: torch.Generator, count: int, probability: float) -> Tensor:
    """`(count,)` bool, true with this probability."""
    return torch.rand(count, generator=generator) < probability


_MASK = (1 << 64) - 1


def _scramble(value: int) -> int:
    value = value + 0x9E3779B97F4A7C15 & _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31
