"""All rules from one start: where each is after every step; and how each fares at other learning rates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convscope.trials.race.rules import RULES, TITLES, Array, RuleName
from convscope.trials.race.surface import Surface
from convscope.wording import rounded

STEPS = 120
START = (0.2, 1.5)
"""High on the wall, and close beside the saddle: the slope leads to the floor, and hardly along it."""

ARRIVED = 0.05
"""Who stays within this part of the start's distance from the minimum has arrived."""

_RATES = 10.0 ** np.linspace(-3, 0, 61)


@dataclass(frozen=True, kw_only=True)
class Racer:
    """A rule and its learning rate."""

    rule: RuleName
    rate: float

    def __str__(self) -> str:
        return f"{TITLES[self.rule]} at rate {rounded(self.rate)}"


RACERS = (
    Racer(rule="sgd", rate=0.02),
    Racer(rule="momentum", rate=0.02),
    Racer(rule="adam", rate=0.1),
    Racer(rule="adamw", rate=0.1),
)
"""Gradient descent and momentum at one rate, which means the same to both; Adam's is the length of a step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """Where one racer was: weights (steps + 1, 2), costs and distances to the minimum (steps + 1,)."""

    racer: Racer
    weights: Array
    costs: Array
    distances: Array
    arrived: int | None
    """The step from which on it stayed close to the minimum (see `ARRIVED`); None where it did not."""
    overshoot: float
    """How far past the minimum it ran along the valley, as a part of the way from the start; at least 0."""

    def to_dict(self) -> dict[str, Any]:
        """Its figures, without the path; None for what is not finite."""
        return {
            "rule": self.racer.rule,
            "learning_rate": self.racer.rate,
            "cost": _finite(self.costs[-1]),
            "distance": _finite(self.distances[-1]),
            "arrived": self.arrived,
            "overshoot": _finite(self.overshoot),
        }


@dataclass(frozen=True, kw_only=True)
class BestRate:
    """The learning rate at which a rule arrives first, of 61 from 0.001 to 1."""

    rule: RuleName
    rate: float | None
    """None where it arrives at no rate."""
    arrived: int | None
    overshoot: float | None
    share: float
    """Of the rates, those at which it arrives at all: how little one must search."""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "rule": self.rule,
            "learning_rate": self.rate,
            "arrived": self.arrived,
            "overshoot": self.overshoot,
            "share_of_rates": self.share,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Race:
    """A race that was run."""

    surface: Surface
    start: tuple[float, float]
    paths: tuple[Path, ...]
    best: tuple[BestRate, ...] = field(default=())

    @property
    def steps(self) -> int:
        """How many updates each made."""
        return len(self.paths[0].weights) - 1

    def path(self, rule: RuleName) -> Path:
        """The path of the racer with this rule.

        Raises:
            KeyError: when none has it.
        """
        for path in self.paths:
            if path.racer.rule == rule:
                return path
        raise KeyError(rule)

    def to_dict(self) -> dict[str, Any]:
        """Its figures, for `--json` and result cards."""
        return {
            "steps": self.steps,
            "start": list(self.start),
            "minimum": self.surface.minima[1].tolist(),
            "racers": [path.to_dict() for path in self.paths],
            "best_rates": [each.to_dict() for each in self.best],
        }


def race(
    *,
    surface: Surface | None = None,
    start: tuple[float, float] = START,
    racers: Sequence[Racer] = RACERS,
    steps: int = STEPS,
) -> Race:
    """Let each racer make `steps` updates from `start`, and find each rule's best learning rate.

    Raises:
        ValueError: without a racer, or for a start at a minimum: there is no way to go.
    """
    ground = surface or Surface()
    if not racers or ground.distance(np.array(start)) == 0:
        raise ValueError("a race needs a racer, and a start that is not at a minimum")
    rules = tuple(dict.fromkeys(racer.rule for racer in racers))
    return Race(
        surface=ground,
        start=start,
        paths=tuple(
            _path(ground, racer, follow(ground, racer.rule, start, racer.rate, steps)) for racer in racers
        ),
        best=tuple(_best_rate(ground, rule, start, steps) for rule in rules),
    )


def follow(
    surface: Surface, rule: RuleName, start: tuple[float, float], rate: Array | float, steps: int
) -> Array:
    """The weights before the first and after every step: (steps + 1, ..., 2), `...` being the rates' shape.

    A rate that is too large leads to numbers that are not finite, and no error.
    """
    rates = np.asarray(rate, dtype=np.float64)[..., None]
    weights = np.broadcast_to(np.array(start, dtype=np.float64), (*rates.shape[:-1], 2)).copy()
    memory = np.zeros((2, *weights.shape))
    path = [weights]
    with np.errstate(over="ignore", invalid="ignore"):
        for number in range(1, steps + 1):
            weights, memory = RULES[rule](weights, surface.gradient(weights), memory, number, rates)
            path.append(weights)
    return np.stack(path)


def _path(surface: Surface, racer: Racer, weights: Array) -> Path:
    with np.errstate(over="ignore", invalid="ignore"):
        return Path(
            racer=racer,
            weights=weights,
            costs=surface.cost(weights),
            distances=surface.distance(weights),
            arrived=_arrived(surface, weights),
            overshoot=_overshoot(surface, weights),
        )


def _best_rate(surface: Surface, rule: RuleName, start: tuple[float, float], steps: int) -> BestRate:
    paths = follow(surface, rule, start, _RATES, steps)
    with np.errstate(over="ignore", invalid="ignore"):
        arrivals = [_arrived(surface, paths[:, index]) for index in range(len(_RATES))]
    came = [(step, index) for index, step in enumerate(arrivals) if step is not None]
    if not came:
        return BestRate(rule=rule, rate=None, arrived=None, overshoot=None, share=0.0)
    step, index = min(came)
    return BestRate(
        rule=rule,
        rate=float(_RATES[index]),
        arrived=step,
        overshoot=_overshoot(surface, paths[:, index]),
        share=len(came) / len(_RATES),
    )


def _arrived(surface: Surface, weights: Array) -> int | None:
    away = surface.distance(weights)
    outside = np.flatnonzero(~(away <= ARRIVED * away[0]))  # what is not a number is not close
    first = int(outside[-1]) + 1 if len(outside) else 0
    return first if first < len(weights) else None


def _overshoot(surface: Surface, weights: Array) -> float:
    beyond = surface.beyond(weights)
    furthest = np.max(np.nan_to_num(beyond, nan=np.inf))
    return max(0.0, float(furthest / surface.distance(weights[0])))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
