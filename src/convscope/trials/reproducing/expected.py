"""How long an experiment is going to take on this machine: from its cards, or from the machine's speed."""

import time
from functools import cache

import torch

from convscope.config.reference import Reference
from convscope.runs.environment import describe_environment
from convscope.training.device import usable_cores
from convscope.trials.cards.card import Card

REFERENCE_GFLOPS = 240.0
"""Of two quiet cores together, as `gflops` measures it: those that `[reference] minutes` were measured on."""

SHORT = 300.0
"""Seconds; what takes less is run with as many seeds as a spread needs."""

SEEDS = 5
SIDE, MEASURED = 256, 0.2
"""Of the matrices, and seconds: short products, so that some of them are not disturbed."""


def expected_seconds(reference: Reference, card: Card | None = None) -> float:
    """Of one training: as long as a card that was made on this machine says, else by the machine's speed."""
    if card is not None and card.is_whole and card.seconds and _is_this_machine(card):
        return max(card.seconds)
    return 60 * reference.minutes * REFERENCE_GFLOPS / gflops()


def seeds_for(seconds: float) -> int:
    """Five where one training is short; one otherwise."""
    return SEEDS if seconds < SHORT else 1


@cache
def gflops() -> float:
    """Billions of multiplications and additions a second in float32 matrix products: the best on one core,
    times the cores. That is what the machine can do, however busy it is now.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would wait for each other where others work too
    one, best, begun = torch.ones(SIDE, SIDE), float("inf"), time.perf_counter()
    try:
        while time.perf_counter() < begun + MEASURED:
            before = time.perf_counter()
            one @ one
            best = min(best, time.perf_counter() - before)
    finally:
        torch.set_num_threads(threads)
    return 2 * SIDE**3 / best / 1e9 * usable_cores()


def _is_this_machine(card: Card) -> bool:
    here = _machine()
    return all(card.environment.get(name) == value for name, value in here.items())


@cache
def _machine() -> dict[str, object]:
    values = describe_environment(device=torch.device("cpu"), seed=0)
    return {name: values[name] for name in ("processor", "cores")}
