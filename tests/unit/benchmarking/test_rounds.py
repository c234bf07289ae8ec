"""Rounds that others disturbed are taken again, and it is said how many."""

from collections.abc import Callable, Iterable

import pytest

from convscope.benchmarking.load import CpuTimes
from convscope.benchmarking.rounds import NOTHING_MEASURED, Quietness, take_rounds, time_in_turn


def readings(shares: Iterable[float | None]) -> Callable[[], CpuTimes | None]:
    """A clock by which others take these shares of the rounds: two readings each."""

    def pairs() -> Iterable[CpuTimes | None]:
        for share in shares:
            yield None if share is None else CpuTimes(total=0, idle=0, own=0)
            yield None if share is None else CpuTimes(total=100, idle=0, own=100 * (1 - share))

    return iter(pairs()).__next__


def taken(shares: list[float | None], count: int) -> tuple[list[int], Quietness]:
    rounds = iter(range(100))
    return take_rounds(lambda: next(rounds), count, readings(shares))


def test_a_quiet_machine_repeats_nothing() -> None:
    results, quietness = taken([0.0, 0.01, 0.04], 3)

    assert results == [0, 1, 2]
    assert quietness == Quietness(rounds=3, repeated=0, disturbed=0, others=0.04)


def test_a_disturbed_round_is_taken_again() -> None:
    results, quietness = taken([0.0, 0.3, 0.06, 0.05], 2)

    assert results == [0, 3]
    assert (quietness.repeated, quietness.disturbed, quietness.others) == (2, 0, 0.05)


def test_a_machine_that_never_becomes_quiet_ends_all_the_same_and_says_so() -> None:
    results, quietness = taken([0.5, 0.2, 0.0, 0.4, 0.3, 0.6, 0.7, 0.8], 4)

    assert results == [1, 2, 3, 4]  # the least disturbed, in the order of time
    assert (quietness.repeated, quietness.disturbed, quietness.others) == (4, 3, 0.4)


def test_where_the_load_is_not_known_every_round_counts() -> None:
    results, quietness = taken([None, None], 2)

    assert results == [0, 1]
    assert quietness == Quietness(rounds=2, repeated=0, disturbed=0, others=None)


def test_two_measurements_together_have_the_larger_share() -> None:
    known = Quietness(rounds=2, repeated=1, disturbed=0, others=0.02)
    unknown = Quietness(rounds=1, repeated=0, disturbed=0, others=None)

    assert (NOTHING_MEASURED + known).others == (known + unknown).others == 0.02
    assert (known + known).repeated == 2
    assert (unknown + unknown).others is None


def test_ways_take_turns_and_every_other_round_the_other_is_first() -> None:
    calls: list[str] = []
    ways = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}

    seconds, _ = time_in_turn(ways, rounds=2, calls=2, read=lambda: None)

    assert calls == ["b", "b", "a", "a", "a", "a", "b", "b"]
    assert {name: [len(each) for each in rounds] for name, rounds in seconds.items()} == {
        "a": [2, 2],
        "b": [2, 2],
    }


def test_what_fails_in_a_round_is_not_hidden() -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        time_in_turn({"a": fail}, rounds=1)
