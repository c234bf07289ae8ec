"""One process at a time trains into a run: a lock that dies with whoever holds it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convscope.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def exclusively(run: Path) -> Iterator[None]:
    """Hold a run's folder for this process.

    The lock is the kernel's, on the folder itself: nothing is written, so nothing is left behind by a kill or
    taken along by a copy. Where the file system knows no locks, there is none.

    Raises:
        RunError: another process holds it.
    """
    if fcntl is None:
        yield
        return
    folder = os.open(run, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"{run} is being trained by another process now. Wait for its end, or stop it first"
            ) from None
        except OSError:
            pass  # no locks on this file system
        yield
    finally:
        os.close(folder)
