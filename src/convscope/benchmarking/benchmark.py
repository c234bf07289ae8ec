"""A network's time by batch size: forward, and forward and backward, beside the device's peak."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, stdev
from typing import Any

import torch

from convscope.benchmarking.memory import peak_memory
from convscope.benchmarking.peak import Peak, measure_peak
from convscope.benchmarking.ratio import Ratio, ratio_of
from convscope.benchmarking.rounds import (
    NOTHING_MEASURED,
    ROUND_SECONDS,
    Quietness,
    Way,
    time_in_turn,
)
from convscope.benchmarking.workload import DIRECTIONS, Direction, Setting, Workload
from convscope.runs.environment import describe_environment

BATCH_SIZES = tuple(range(1, 10))
BATCHES, BURN_IN = 100, 10
FEWEST_ROUNDS_OF_A_RATIO = 7


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Batches of one size, one after the other.

    Attributes:
        seconds: of each batch.
        batch_size: images in it.
        flops: floating-point operations for one image.
        peak_gflops: what the device's large matrix products reach, to compare with.
        peak_memory: bytes; None where that is not known.
        first_seconds: of the first batch of all, which compiles what is to be compiled.
    """

    seconds: tuple[float, ...]
    batch_size: int
    flops: int
    peak_gflops: float
    peak_memory: int | None
    first_seconds: float

    @property
    def mean(self) -> float:
        """Seconds a batch."""
        return fmean(self.seconds)

    @property
    def sd(self) -> float | None:
        """Standard deviation of the batches' seconds; None of a single one."""
        return stdev(self.seconds) if len(self.seconds) > 1 else None

    @property
    def gflops(self) -> float:
        """Billions of operations a second, over all batches."""
        return self.flops * self.batch_size / self.mean / 1e9

    def to_dict(self) -> dict[str, Any]:
        """For JSON: seconds for a batch, and what follows from their mean."""
        return {
            "mean": self.mean,
            "sd": self.sd,
            "median": median(self.seconds),
            "batches": len(self.seconds),
            "images_per_second": self.batch_size / self.mean,
            "gflops": self.gflops,
            "share_of_peak": self.gflops / self.peak_gflops,
            "peak_memory": self.peak_memory,
            "first": self.first_seconds,
        }


@dataclass(frozen=True, kw_only=True)
class SizeResult:
    """One batch size: its timing in both directions, and beside another setting where there is one.

    Attributes:
        ratios: the other setting's time over this one's: above 1 this one is faster.
    """

    batch_size: int
    timings: dict[Direction, Timing]
    against: dict[Direction, Timing] = field(default_factory=dict)
    ratios: dict[Direction, Ratio] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        document: dict[str, Any] = {"batch_size": self.batch_size}
        for direction, timing in self.timings.items():
            document[direction] = timing.to_dict()
        if self.against:
            document["against"] = {name: timing.to_dict() for name, timing in self.against.items()}
            document["ratio"] = {name: ratio.to_dict() for name, ratio in self.ratios.items()}
        return document


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All that was measured of a network on this machine."""

    network: str
    image_shape: tuple[int, int, int]
    setting: Setting
    against: Setting | None
    flops: dict[Direction, int]
    peak: Peak
    sizes: tuple[SizeResult, ...]
    quietness: Quietness
    burn_in: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON: figures, and the machine they were measured on."""
        environment = describe_environment(device=self.setting.device, seed=0)
        left_out = ("command", "working_folder", "seed")  # the machine's, not this call's
        return {
            "network": self.network,
            "image": list(self.image_shape),
            "flops": dict(self.flops),
            "setting": self.setting.to_dict(),
            "against": None if self.against is None else self.against.to_dict(),
            "burn_in": self.burn_in,
            "peak_gflops": self.peak.gflops,
            "peak_side": self.peak.side,
            "sizes": [each.to_dict() for each in self.sizes],
            "quiet": self.quietness.to_dict(),
            "machine": {name: value for name, value in environment.items() if name not in left_out},
        }


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much is measured."""

    batch_sizes: Sequence[int] = BATCH_SIZES
    batches: int = BATCHES
    burn_in: int = BURN_IN


Telling = Callable[[int, Direction], None]
"""Hears of each batch size and direction before it is measured."""


def measure_benchmark(
    name: str,
    workload: Workload,
    amount: Amount | None = None,
    *,
    against: Workload | None = None,
    tell: Telling = lambda batch_size, direction: None,
) -> Benchmark:
    """Time a network at every batch size, both directions, smallest first; another setting in turn with it.

    Loss and images are those of the source of E14: half the sum of squares of the last layer's output, and
    random images of standard deviation 0.1.
    """
    amount = amount or Amount()
    threads = torch.get_num_threads()
    peaks = [_peak(workload.setting)]
    flops = {direction: workload.flops(direction) for direction in DIRECTIONS}
    raw: list[tuple[int, Direction, _Measured]] = []
    for batch_size in sorted(set(amount.batch_sizes)):
        if any(each is not None and each.setting.compiled for each in (workload, against)):
            torch._dynamo.reset()  # each batch size is compiled for itself
        for direction in DIRECTIONS:
            tell(batch_size, direction)
            raw.append((batch_size, direction, _measure(workload, against, direction, batch_size, amount)))
    peaks.append(_peak(workload.setting))
    torch.set_num_threads(threads)
    peak = max(peaks, key=lambda each: each.gflops)
    sizes = _by_size(raw, flops, peak)
    return Benchmark(
        network=name,
        image_shape=workload.image_shape,
        setting=workload.setting,
        against=None if against is None else against.setting,
        flops=flops,
        peak=peak,
        sizes=sizes,
        quietness=sum((each.quietness for *_, each in raw), NOTHING_MEASURED),
        burn_in=amount.burn_in,
    )


def _peak(setting: Setting) -> Peak:
    """With the threads of the setting, whichever way came last."""
    torch.set_num_threads(setting.threads)
    return measure_peak(setting.device, setting.precision)


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """One batch size and direction: seconds of each call in each round, of each of the ways."""

    rounds: dict[str, list[list[float]]]
    first: dict[str, float]
    peak_memory: int | None
    quietness: Quietness
    batches: int


def _measure(
    workload: Workload, against: Workload | None, direction: Direction, batch_size: int, amount: Amount
) -> _Measured:
    ways = {"this": workload.way(direction, batch_size)}
    if against is not None:
        ways["against"] = against.way(direction, batch_size)
    burnt_in = {name: _BurnIn(way, amount.burn_in) for name, way in ways.items()}
    memory = None
    if against is None:
        memory = peak_memory(burnt_in["this"].run, workload.setting.device)
    else:  # two networks are in memory: what one needs is not known
        for each in burnt_in.values():
            each.run()
    slowest = max(each.seconds for each in burnt_in.values())
    rounds = _number_of_rounds(amount.batches, slowest, is_ratio=against is not None)
    taken, quietness = time_in_turn(ways, rounds=rounds, calls=math.ceil(amount.batches / rounds))
    return _Measured(
        rounds=taken,
        first={name: each.first for name, each in burnt_in.items()},
        peak_memory=memory,
        quietness=quietness,
        batches=amount.batches,
    )


def _number_of_rounds(batches: int, seconds: float, *, is_ratio: bool) -> int:
    """As many as are long enough, and for a ratio at least seven."""
    long_enough = int(batches * seconds / ROUND_SECONDS)
    return min(batches, max(FEWEST_ROUNDS_OF_A_RATIO if is_ratio else 1, long_enough))


class _BurnIn:
    """The first calls of a way, which are not measured but tell how long the others will take."""

    def __init__(self, way: Way, calls: int) -> None:
        self._way, self._calls = way, max(1, calls)
        self.first = self.seconds = 0.0

    def run(self) -> None:
        taken, _ = time_in_turn({"": self._way}, rounds=1, calls=self._calls, read=lambda: None)
        (seconds,) = taken[""]
        self.first, self.seconds = seconds[0], median(seconds)


def _by_size(
    raw: Sequence[tuple[int, Direction, _Measured]], flops: dict[Direction, int], peak: Peak
) -> tuple[SizeResult, ...]:
    def timing(batch_size: int, direction: Direction, measured: _Measured, name: str) -> Timing:
        seconds = [each for one in measured.rounds[name] for each in one]
        return Timing(
            seconds=tuple(seconds[: measured.batches]),
            batch_size=batch_size,
            flops=flops[direction],
            peak_gflops=peak.gflops,
            peak_memory=measured.peak_memory,
            first_seconds=measured.first[name],
        )

    found: dict[int, SizeResult] = {}
    for batch_size, direction, measured in raw:
        size = found.setdefault(batch_size, SizeResult(batch_size=batch_size, timings={}))
        size.timings[direction] = timing(batch_size, direction, measured, "this")
        if "against" in measured.rounds:
            size.against[direction] = timing(batch_size, direction, measured, "against")
            this, other = (list(map(fmean, measured.rounds[name])) for name in ("this", "against"))
            size.ratios[direction] = ratio_of(other, this)
    return tuple(found.values())
