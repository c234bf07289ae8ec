"""What others take of the CPU time."""

import os
from pathlib import Path

import pytest

from convscope.benchmarking.load import CpuTimes, others_share, read_cpu_times


def times(total: float, idle: float, own: float) -> CpuTimes:
    return CpuTimes(total=total, idle=idle, own=own)


def test_what_neither_idles_nor_is_our_own_belongs_to_others() -> None:
    share = others_share(times(100, 50, 7), times(110, 52, 14))

    assert share == pytest.approx(0.1)  # of 10 seconds 2 idle and 7 our own


def test_a_clock_that_counts_in_hundredths_gives_no_negative_share() -> None:
    assert others_share(times(100, 50, 7), times(110, 50, 17.01)) == 0


@pytest.mark.parametrize(
    ("before", "after"), [(None, times(1, 0, 0)), (times(1, 0, 0), None), (times(1, 0, 0), times(1.1, 0, 0))]
)
def test_without_two_readings_and_some_time_between_nothing_is_known(
    before: CpuTimes | None, after: CpuTimes | None
) -> None:
    assert others_share(before, after) is None


def test_only_the_cores_that_this_process_may_use_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  9999 0 0 0 0 0 0 0 0 0\n"
        "cpu0 100 20 30 400 50 6 7 8 1000 0\n"  # the 1,000 are guests, counted as user already
        "cpu1 9999 0 0 0 0 0 0 0 0 0\n"
        "intr 12 34\n"
    )
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _: 100)

    found = read_cpu_times(stat)

    assert found is not None
    assert found.total == pytest.approx(6.21)
    assert found.idle == pytest.approx(4.5)


def test_a_machine_without_proc_is_not_known(tmp_path: Path) -> None:
    assert read_cpu_times(tmp_path / "stat") is None
