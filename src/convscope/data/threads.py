"""One function for many things, on several threads: Pillow and blake2b release the interpreter."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_CHUNK = 32
_MOST_THREADS = 16
In = TypeVar("In")
Out = TypeVar("Out")


def in_order(function: Callable[[In], Out], things: Sequence[In]) -> Iterator[Out]:
    """Apply a function on as many threads as torch has; results come in the order of the things."""

    def apply(chunk: Sequence[In]) -> list[Out]:
        return [function(thing) for thing in chunk]

    if len(things) <= _CHUNK:
        yield from map(function, things)
        return
    chunks = [things[start : start + _CHUNK] for start in range(0, len(things), _CHUNK)]
    pool = ThreadPoolExecutor(_threads())
    try:
        for results in pool.map(apply, chunks):
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupted run does not first decode what is left


def in_flight() -> int:
    """How many things next to each other `in_order` has begun and not yet finished."""
    return _threads() * _CHUNK


def _threads() -> int:
    import torch  # is there when files are read, and not when a source is opened

    return min(_MOST_THREADS, torch.get_num_threads())
