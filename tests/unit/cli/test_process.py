"""What the command tells its own process before torch loads."""

import gc
import os
import subprocess
import sys

import pytest

from convscope.cli.process import importing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is Linux's")

BLOCKS, PAGES = 20, 4096
COUNT_FAULTS = f"""
import resource, sys
if sys.argv[1] == "tuned":
    from convscope.cli.process import tune_process
    tune_process()
from ctypes import CDLL, c_int, c_size_t, c_void_p
libc = CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = c_void_p, [c_size_t]
libc.free.argtypes, libc.memset.argtypes = [c_void_p], [c_void_p, c_int, c_size_t]
def use():
    block = libc.malloc({PAGES} * 4096 * 4)
    libc.memset(block, 1, {PAGES} * 4096 * 4)
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({BLOCKS}): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kind: str, **environment: str) -> int:
    """Page faults of taking, filling and freeing a block of 64 MiB twenty times over."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS, kind],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_freed_memory_is_kept_for_the_next_step() -> None:
    assert faults("plain") > BLOCKS * PAGES / 2
    assert faults("tuned") < PAGES


def test_what_the_environment_says_is_left_alone() -> None:
    assert faults("tuned", MALLOC_TRIM_THRESHOLD_="131072") > BLOCKS * PAGES / 2


def test_garbage_is_looked_for_again_after_an_import_that_fails() -> None:
    def fails() -> None:
        with importing():
            assert not gc.isenabled()
            raise ModuleNotFoundError

    with pytest.raises(ModuleNotFoundError):
        fails()
    assert gc.isenabled()


def test_a_process_that_looks_for_no_garbage_is_left_so() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


ENDING = """
import atexit, sys, threading
from convscope.cli.process import QuickEnd, importing
end = QuickEnd()
with importing():
    import timm
atexit.register(print, "asked for at the end", end="")
threading.Thread(target=lambda: print("a thread that is waited for,", end=" ")).start()
end.code = 3
sys.exit(3)
"""


def test_the_process_ends_at_once_but_not_before_what_others_want_done() -> None:
    """Taken apart, triton, which timm imports where it is there, complains in 500 lines of what is frozen."""
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "a thread that is waited for, asked for at the end")
    assert done.stderr == ""


def test_a_process_whose_end_is_not_known_ends_as_others_do() -> None:
    code = "from convscope.cli.process import QuickEnd; end = QuickEnd(); raise RuntimeError('told')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "told" in done.stderr
