"""How long an experiment is going to take on this machine: from its cards, or from the machine's speed."""

import time
from collections.abc import Iterable
from functools import cache

from convscope.config.reference import Reference
from convscope.runs.environment import describe_environment
from convscope.trials.cards import Card

REFERENCE_GFLOPS = 177.0
"""Of a float32 matrix product on the two quiet cores that `[reference] minutes` were measured on."""

SHORT = 300.0
"""Seconds; what takes less is run with as many seeds as a spread needs."""

SEEDS = 5
SIDE, ROUNDS = 1024, 5


def expected_seconds(reference: Reference, cards: Iterable[Card] = ()) -> float:
    """Of one training: as long as the newest card made on this machine says, else by the machine's speed."""
    own = [card for card in cards if card.is_whole and card.seconds and _is_this_machine(card)]
    if own:
        newest = max(own, key=lambda card: card.made)
        return max(newest.seconds)
    return 60 * reference.minutes * REFERENCE_GFLOPS / gflops()


def seeds_for(seconds: float) -> int:
    """Five where one training is short; one otherwise."""
    return SEEDS if seconds < SHORT else 1


@cache
def gflops() -> float:
    """Billions of multiplications and additions a second, in a float32 matrix product: the best of a few."""
    import torch

    one = torch.ones(SIDE, SIDE)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - begun)
    return 2 * SIDE**3 / best / 1e9


def _is_this_machine(card: Card) -> bool:
    here = _machine()
    return all(card.environment.get(name) == value for name, value in here.items())


@cache
def _machine() -> dict[str, object]:
    import torch

    values = describe_environment(device=torch.device("cpu"), seed=0)
    return {name: values[name] for name in ("processor", "cores")}
