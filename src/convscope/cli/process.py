"""How the command's own process waits for its threads, and what it does with memory that it has freed.

Threads that wait for each other spin by default, and on a machine that others use too they spin on a core
that somebody else needs: beside busy processes training took 7 to 10 times as long
(benchmarks/waiting_threads.py).

glibc gives large blocks back to the kernel as soon as they are free. A step of training frees and takes the
same blocks again, and each time the kernel fills them with zeros, page by page: a quarter of the time of
fine-tuning on a CPU. Kept, they make the peak 2 to 12 % higher (benchmarks/freed_memory.py).

Python looks for garbage the more often the more objects there are, and while torch is imported there are ever
more, and no garbage: a sixth of the time that the import takes (benchmarks/start_up.py). At the end it takes
apart what was imported, object by object, a second long, while the user waits for the prompt.
"""

import atexit
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, in malloc.h."""


def tune_process() -> None:
    """Before torch loads: let threads wait without spinning, and keep freed memory for the next step.

    What the environment says already is left alone (`GOMP_SPINCOUNT`, `MALLOC_TRIM_THRESHOLD_`).
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if sys.platform != "linux" or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


class QuickEnd:
    """Ends the process without taking the interpreter apart, after all that others want done at its end.

    Made before anything else has asked to be called at the end, it is called last.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        """With what the process ends; as long as it is None, it ends as others do."""
        atexit.register(self)

    def __call__(self) -> None:
        """End the process, if it is known with what."""
        if self.code is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads any more, or it is closed
                stream.flush()
        os._exit(self.code)


@contextmanager
def importing() -> Iterator[None]:
    """Around imports of what is large and stays: no garbage is looked for meanwhile, nor ever among them.

    They are let go at the end, where a process takes itself apart: libraries complain of what they find then
    (triton, which timm imports, in 500 lines).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        atexit.unregister(gc.unfreeze)
        atexit.register(gc.unfreeze)
        if collecting:
            gc.enable()
