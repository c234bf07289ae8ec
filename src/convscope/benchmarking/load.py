"""How much of the CPU time others took while something was measured: other processes, or the host (steal)."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
_IDLE = (3, 4)  # idle and iowait, of the fields in proc(5): user nice system idle iowait irq softirq steal
SHORTEST = 0.2
"""Seconds over all cores; /proc counts in hundredths of one, and tells nothing about less."""

_FIELDS = 8  # guest time, which follows, stands in user time already


@dataclass(frozen=True, kw_only=True)
class CpuTimes:
    """Seconds since the machine started, over the cores that this process may use."""

    total: float
    """With those in which nobody computed."""

    idle: float
    own: float
    """Of this process, all its threads."""


def read_cpu_times(path: Path | None = None) -> CpuTimes | None:
    """The times now; None where they are not known: no /proc, or none of these cores in it."""
    try:
        lines = (path or STAT).read_text().splitlines()
    except OSError:
        return None
    allowed = _allowed_cores()
    total = idle = 0
    for line in lines:
        name, *fields = line.split()
        core = name.removeprefix("cpu")
        if name.startswith("cpu") and core.isdigit() and (allowed is None or int(core) in allowed):
            counts = [int(field) for field in fields[:_FIELDS]]
            total += sum(counts)
            idle += sum(counts[place] for place in _IDLE)
    if not total:
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return CpuTimes(total=total / tick, idle=idle / tick, own=time.process_time())


def others_share(before: CpuTimes | None, after: CpuTimes | None) -> float | None:
    """The share, 0 to 1, of the time between that the cores spent on others; None where it is not known.

    It is not where a reading is none, and where there was too little time between.
    """
    if before is None or after is None or after.total - before.total < SHORTEST:
        return None
    total = after.total - before.total
    busy = total - (after.idle - before.idle)
    return min(1.0, max(0.0, (busy - (after.own - before.own)) / total))


def _allowed_cores() -> set[int] | None:
    affinity = getattr(os, "sched_getaffinity", None)  # macOS and Windows know none
    return set(affinity(0)) if affinity is not None else None
