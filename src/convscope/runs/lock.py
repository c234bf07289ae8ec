"""One training a run: who trains holds a lock that ends with the process, however that ends.

The lock is the kernel's (`flock`), on the file `.lock` in the run: a copied or left-over file locks nothing.
What is written in it only tells who it was.
"""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from convscope.errors import RunError
from convscope.runs.advice import go_on, refused_by_disk
from convscope.wording import here

try:
    import fcntl
except ImportError:  # Windows knows no flock
    fcntl = None  # type: ignore[assignment]

FILE = ".lock"
JUST_NOW = 2.0
"""Seconds for which a lock that was written counts as held."""
HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


@contextmanager
def exclusively(run: Path) -> Iterator[str | None]:
    """Hold the run's lock.

    Yields:
        None; or, where the place knows no locks, why nothing keeps two trainings apart. That stops nobody.

    Raises:
        RunError: when another process trains this run, or the folder cannot be written.
    """
    path = run / FILE
    descriptor, unlockable = _locked(run, path)
    with suppress(OSError):  # a full disk: the lock holds without its text
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    try:
        yield unlockable
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # while it is held: who comes next makes a new one
        os.close(descriptor)


def is_held(run: Path) -> bool:
    """Whether a process trains the run now; where the place knows no locks, whether one seems to.

    To look, the lock is taken for some microseconds. One that was written a moment ago is not touched: its
    taker may still be taking it.
    """
    try:
        descriptor = os.open(run / FILE, os.O_RDONLY)
    except OSError:
        return False
    try:
        if fcntl is None or time.time() - os.fstat(descriptor).st_mtime < JUST_NOW:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True  # another holds it, or nobody can know
    finally:
        os.close(descriptor)
    return False


def _locked(run: Path, path: Path) -> tuple[int, str | None]:
    """The open lock file, and why it is not locked where the place knows no locks."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise RunError(f"{refused_by_disk(path, error)}.\n{go_on(run, error)}") from error
        try:
            if fcntl is None:
                return descriptor, "this system locks no files"
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in HELD:
                return descriptor, f"this place locks no files ({error.strerror or error})"
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            raise RunError(
                f"{here(run)} is being trained by another process now{f', {holder}' if holder else ''}. "
                "Wait for its end, or stop it first"
            ) from None
        if _is_still_there(descriptor, path):
            return descriptor, None
        os.close(descriptor)  # its holder removed it meanwhile: take the new one


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
