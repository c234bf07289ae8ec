"""Rounds of a measurement: several ways in turn, and what others disturbed is taken again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from convscope.benchmarking.load import CpuTimes, others_share, read_cpu_times

LIMIT = 0.05
"""Of the CPU time; a round in which others took more is taken again."""

ROUND_SECONDS = 0.5
"""At least this long, where there is that much to do: /proc counts in hundredths of a second."""

MOST_REPEATS = 3
"""At least so many, and as many as rounds were asked for."""

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Quietness:
    """How quiet the machine was.

    Attributes:
        rounds: kept.
        repeated: taken again, since others took more than 5 % of the CPU time.
        disturbed: rounds that were kept although others did: the machine never became quiet.
        others: the largest known share of others in a round that was kept; None where none is known.
    """

    rounds: int
    repeated: int
    disturbed: int
    others: float | None

    def __add__(self, other: "Quietness") -> "Quietness":
        shares = [each.others for each in (self, other) if each.others is not None]
        return Quietness(
            rounds=self.rounds + other.rounds,
            repeated=self.repeated + other.repeated,
            disturbed=self.disturbed + other.disturbed,
            others=max(shares, default=None),
        )

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "rounds": self.rounds,
            "repeated": self.repeated,
            "disturbed": self.disturbed,
            "others_share": self.others,
        }


NOTHING_MEASURED = Quietness(rounds=0, repeated=0, disturbed=0, others=None)


@dataclass(frozen=True)
class _Taken(Generic[Result]):
    result: Result
    others: float | None

    @property
    def disturbance(self) -> float:
        """What others took, where that is too much; 0 of a quiet round."""
        return 0.0 if self.others is None or self.others <= LIMIT else self.others

    @property
    def is_quiet(self) -> bool:
        return self.disturbance == 0


def take_rounds(
    take: Callable[[], Result],
    count: int,
    read: Callable[[], CpuTimes | None] = read_cpu_times,
) -> tuple[list[Result], Quietness]:
    """Take `count` rounds, in the order of time; those that others disturbed are taken again, within a bound.

    After `count` repeats (at least 3) the least disturbed are kept.
    """
    taken: list[_Taken[Result]] = []
    most = count + max(count, MOST_REPEATS)
    while sum(each.is_quiet for each in taken) < count and len(taken) < most:
        before = read()
        result = take()
        taken.append(_Taken(result, others_share(before, read())))
    quiet_first = sorted(range(len(taken)), key=lambda place: taken[place].disturbance)
    kept = sorted(quiet_first[:count])
    shares = [others for place in kept if (others := taken[place].others) is not None]
    quietness = Quietness(
        rounds=count,
        repeated=len(taken) - count,
        disturbed=sum(not taken[place].is_quiet for place in kept),
        others=max(shares, default=None),
    )
    return [taken[place].result for place in kept], quietness


Way = Callable[[], None]


def time_in_turn(
    ways: Mapping[str, Way],
    *,
    rounds: int,
    calls: int = 1,
    read: Callable[[], CpuTimes | None] = read_cpu_times,
) -> tuple[dict[str, list[list[float]]], Quietness]:
    """Time several ways in turn: each round takes all of them, every other round in the opposite order.

    Returns:
        For each way its rounds, each the seconds of its `calls` calls; and how quiet it was.
    """
    order = list(ways)

    def one_round() -> dict[str, list[float]]:
        order.reverse()
        return {name: [_seconds(ways[name]) for _ in range(calls)] for name in order}

    taken, quietness = take_rounds(one_round, rounds, read)
    return {name: [each[name] for each in taken] for name in ways}, quietness


def _seconds(way: Way) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start
