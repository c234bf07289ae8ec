"""How timings are laid out on the screen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convscope.cli.output import result_console
from convscope.cli.screen import print_line, print_table
from convscope.wording import percent, rounded, size, some

if TYPE_CHECKING:
    from convscope.benchmarking.benchmark import Benchmark, SizeResult, Timing
    from convscope.benchmarking.comparing import TimesCompared
    from convscope.benchmarking.rounds import Quietness
    from convscope.benchmarking.workload import Direction, Setting

DIRECTIONS: "dict[Direction, str]" = {"forward": "forward", "forward_backward": "forward and backward"}


def print_benchmark(result: "Benchmark") -> None:
    """The settings, the peak, a table for each direction, and how quiet the machine was."""
    console = result_console()
    shape = "×".join(map(str, result.image_shape))
    setting = result.setting.to_dict()
    print_line(console, "network", result.network, f"random images of {shape}")
    print_line(
        console, "computes in", _setting_said(setting), str(result.to_dict()["machine"]["device_name"])
    )
    side = result.peak.side
    print_line(
        console,
        "peak",
        f"{rounded(result.peak.gflops)} GFLOP/s",
        f"a matrix product of {side:,} × {side:,} in {setting['precision']}, in this process",
    )
    for direction, name in DIRECTIONS.items():
        console.print()
        print_line(console, name, f"{_operations(result.flops[direction])} an image")
        head = ("batch size", "ms a batch", "median", "images/s", "GFLOP/s", "of the peak", "peak memory")
        rows = [_row(each.batch_size, each.timings[direction]) for each in result.sizes]
        print_table(console, head, rows)
    console.print()
    if result.against is not None:
        _print_ratios(result.sizes, result.against)
    if setting["compiled"]:
        first = max(timing.first_seconds for each in result.sizes for timing in each.timings.values())
        print_line(console, "compiling", f"up to {rounded(first)} s for the first batch of a size")
    print_line(console, "rounds", quiet_said(result.quietness))


def _setting_said(setting: dict[str, object]) -> str:
    threads = some(int(str(setting["threads"])), "thread")
    parts = (setting["precision"], setting["layout"], "compiled" if setting["compiled"] else "", threads)
    return ", ".join(str(part) for part in parts if part)


def _row(batch_size: int, timing: "Timing") -> tuple[str, ...]:
    found = timing.to_dict()
    return (
        str(batch_size),
        _milliseconds(found["mean"], found["sd"]),
        _milliseconds(found["median"]),
        rounded(found["images_per_second"]),
        rounded(found["gflops"]),
        percent(found["share_of_peak"]),
        "–" if timing.peak_memory is None else size(timing.peak_memory),
    )


def _operations(flops: int) -> str:
    """`30.9 GFLOP`, `15.7 kFLOP`."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if flops >= unit:
            return f"{rounded(flops / unit)} {name}FLOP"
    return f"{flops} FLOP"


def _milliseconds(seconds: float, sd: float | None = None) -> str:
    """`75.3 ± 1.2`: both with as many decimals as the time needs."""
    decimals = 0 if seconds >= 0.5 else 1 if seconds >= 0.02 else 2 if seconds >= 0.002 else 3
    spread = "" if sd is None else f" ± {1000 * sd:,.{decimals}f}"
    return f"{1000 * seconds:,.{decimals}f}{spread}"


def _print_ratios(sizes: Sequence["SizeResult"], against: "Setting") -> None:
    console = result_console()
    print_line(console, "in turn with", _setting_said(against.to_dict()))
    for each in sizes:
        for direction, name in DIRECTIONS.items():
            print_line(console, "", f"batch size {each.batch_size}, {name}: {_ratio_said(each, direction)}")


def _ratio_said(result: "SizeResult", direction: "Direction") -> str:
    """The word "faster" only where the interval excludes 1."""
    ratio = result.ratios[direction]
    figures = f"its time is {rounded(ratio.value)} times this one's"
    if ratio.interval is None:
        return f"{figures}; too few rounds for an interval"
    low, high = (rounded(edge) for edge in ratio.interval)
    figures += f", 95 % interval {low} to {high}"
    if not ratio.excludes_one:
        return f"{figures}: too close to tell"
    return f"{figures}: {'this' if ratio.value > 1 else 'that'} is faster"


def quiet_said(quietness: "Quietness") -> str:
    """How quiet the machine was while it was measured."""
    rounds = some(quietness.rounds, "round")
    if quietness.disturbed:
        repeats, others = some(quietness.repeated, "repeat"), percent(quietness.others)
        return (
            f"the machine never became quiet: after {repeats} others took more than 5 % of the CPU time in "
            f"{quietness.disturbed:,} of {rounds}, up to {others}; it is faster than these figures"
        )
    if quietness.others is None:
        return f"{rounds}; what others took of the CPU time is not known: no /proc, or too short a round"
    again = "none" if not quietness.repeated else f"{quietness.repeated:,}"
    return f"{rounds}, {again} repeated; others took {percent(quietness.others)} of the CPU time at most"


def print_compared(compared: "TimesCompared") -> None:
    """Times and ratios by batch size."""
    console = result_console()
    for direction, name in DIRECTIONS.items():
        for what, lines, factor in (
            ("ms a batch", compared.times, 1000.0),
            ("times as long", compared.ratios, 1.0),
        ):
            chosen = [line for line in lines if line.direction == direction]
            if not chosen:
                continue
            sizes = sorted({batch_size for line in chosen for batch_size in line.values})
            print_line(console, name, what, f"{compared.network}, by batch size")
            rows = [
                (
                    line.name,
                    *(rounded(factor * line.values[each]) if each in line.values else "–" for each in sizes),
                )
                for line in chosen
            ]
            print_table(console, ("", *map(str, sizes)), rows)
            console.print()
    if compared.ratios:
        console.print(
            "Measured apart, on what each machine was that day; for one machine's choices: --against"
        )
