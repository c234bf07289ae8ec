"""The most memory that something needed."""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CLEAR_PEAK = "5"
"""Of proc(5): the peak of resident memory starts again from where it is."""


def peak_memory(do: Callable[[], object], device: torch.device) -> int | None:
    """Bytes at the peak while `do` runs; None where that is not known.

    On a GPU what torch holds there; on a CPU all that is resident of this process, the interpreter and its
    libraries too. What was freed before is given back first, so that it does not count.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        do()
        return int(torch.cuda.max_memory_allocated(device))
    _give_freed_memory_back()
    try:
        _CLEAR.write_text(_CLEAR_PEAK)
    except OSError:
        do()
        return None
    do()
    return _resident_peak()


def _resident_peak() -> int | None:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return None


def _give_freed_memory_back() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
