"""Benchmarks side by side, and beside the two machines of E14's source."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from convscope.benchmarking import source
from convscope.benchmarking.workload import DIRECTIONS, Direction
from convscope.errors import UsageError
from convscope.wording import here, some

Document = Mapping[str, Any]
"""What `Benchmark.to_dict` gives, as it is kept in a file."""


@dataclass(frozen=True, kw_only=True)
class BySize:
    """One line of a chart: a value, and where it is known its standard deviation, by batch size.

    Attributes:
        is_reported: of the source, not measured here.
        over: of a ratio, the line that is divided.
    """

    name: str
    direction: Direction
    values: dict[int, float]
    sds: dict[int, float]
    is_reported: bool = False
    over: str = ""


@dataclass(frozen=True, kw_only=True)
class TimesCompared:
    """What E14's two charts show.

    Attributes:
        network: what was timed; of several the names with commas between.
        times: seconds for a batch.
        ratios: one time over another: above 1 the one named last is faster. Measured apart, not in turn.
    """

    network: str
    times: tuple[BySize, ...]
    ratios: tuple[BySize, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "network": self.network,
            **{
                kind: [
                    {
                        "name": line.name,
                        "direction": line.direction,
                        "reported": line.is_reported,
                        "values": {str(size): value for size, value in line.values.items()},
                    }
                    for line in lines
                ]
                for kind, lines in (("times", self.times), ("ratios", self.ratios))
            },
        }


def read_benchmark(path: Path) -> Document:
    """A file that `convscope benchmark --output` wrote.

    Raises:
        UsageError: when it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{here(path)} cannot be read: {error.strerror}") from None
    except ValueError:
        document = None
    try:
        _times(document, "")
        return dict(document)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError(
            f"{here(path)} holds no benchmark; one is made by: convscope benchmark NETWORK --output FILE.json"
        ) from None


def compare_times(documents: Sequence[Document], names: Sequence[str] = ()) -> TimesCompared:
    """One benchmark beside the source's two machines, or several of which each is set against the first.

    Args:
        documents: one or more.
        names: of the lines; the device and its number format unless given.
    """
    if not documents:
        raise ValueError("compare_times needs at least one benchmark")
    names = names or _names(documents)
    times = [line for document, name in zip(documents, names, strict=True) for line in _times(document, name)]
    reported = _reported_beside(documents)
    first, others = times[: len(DIRECTIONS)], times[len(DIRECTIONS) :]
    if len(documents) > 1:
        ratios = [
            _ratio(line, next(one for one in first if one.direction == line.direction)) for line in others
        ]
        if reported:
            gpu, cpu = reported
            ratios.append(_ratio(cpu, gpu))
    else:
        ratios = [_ratio(line, one) for line in reported for one in first if one.direction == line.direction]
    return TimesCompared(
        network=", ".join(dict.fromkeys(str(document["network"]) for document in documents)),
        times=(*times, *reported),
        ratios=tuple(line for line in ratios if line.values),
    )


def _times(document: Document, name: str) -> list[BySize]:
    return [
        BySize(
            name=name,
            direction=direction,
            values={int(size["batch_size"]): float(size[direction]["mean"]) for size in document["sizes"]},
            sds={
                int(size["batch_size"]): float(sd)
                for size in document["sizes"]
                if (sd := size[direction]["sd"]) is not None
            },
        )
        for direction in DIRECTIONS
    ]


def _reported_beside(documents: Sequence[Document]) -> list[BySize]:
    """The source's two machines, where what was measured is what it measured."""
    asked = (source.NETWORK, list(source.IMAGE_SHAPE))
    if any((document["network"], document["image"]) != asked for document in documents):
        return []
    return [
        BySize(
            name=f"source: {each.machine}",
            direction="forward_backward",
            values=each.seconds,
            sds={},
            is_reported=True,
        )
        for each in source.REPORTED
    ]


def _ratio(over: BySize, under: BySize) -> BySize:
    sizes = [size for size in over.values if size in under.values]
    return BySize(
        name=f"{over.name} / {under.name}",
        direction=over.direction,
        values={size: over.values[size] / under.values[size] for size in sizes},
        sds={},
        is_reported=over.is_reported and under.is_reported,
        over=over.name,
    )


def _names(documents: Sequence[Document]) -> list[str]:
    """The device and how it computed; of several only what differs, and a number where nothing does."""
    described = [_description(document) for document in documents]
    if len(documents) == 1:
        return [_said(described[0][1:])]
    differs = [len(set(parts)) > 1 for parts in zip(*described, strict=True)]
    names = [_said(compress(parts, differs)) for parts in described]
    if len(set(names)) == len(names):
        return names
    return [f"{_said(parts[1:])} ({number})" for number, parts in enumerate(described, start=1)]


def _said(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _description(document: Document) -> tuple[str, ...]:
    setting, machine = document["setting"], document["machine"]
    is_cpu = str(setting["device"]).startswith("cpu")
    return (
        str(document["network"]),
        str(machine["device_name"]),
        some(int(setting["threads"]), "thread") if is_cpu else "",
        str(setting["precision"]),
        str(setting["layout"]),
        "compiled" if setting["compiled"] else "",
    )
