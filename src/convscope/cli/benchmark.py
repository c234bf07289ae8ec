"""`convscope benchmark`: a network's time by batch size, beside the device's peak."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import log_console, print_json, reason, result_console, try_to, warn
from convscope.cli.picture_place import check_picture
from convscope.cli.timings import DIRECTIONS, print_benchmark, print_compared
from convscope.errors import UsageError
from convscope.wording import command, here

if TYPE_CHECKING:
    from convscope.benchmarking.benchmark import Amount, Benchmark
    from convscope.benchmarking.comparing import Document

SIZES, BATCHES, BURN_IN = "1-9", 100, 10
LARGEST_SIZE, MOST_SIZES = 65_536, 64


def benchmark(
    network: str | None = None,
    /,
    *,
    batch_sizes: str = SIZES,
    batches: WholeNumber = BATCHES,
    burn_in: WholeNumber = BURN_IN,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    layout: Literal["channels-last", "channels-first"] = "channels-last",
    compile: Annotated[bool, Parameter(negative="")] = False,
    device: str = "auto",
    threads: WholeNumber | None = None,
    against: str | None = None,
    output: Path | None = None,
    compare: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative="")] = (),
    picture: Path | None = None,
    json: bool = False,
) -> int:
    """Time a network's forward, and forward and backward pass, by batch size, beside the device's peak.

    Random images; the loss is half the sum of squares of the last layer's output. Rounds in which others took
    more than 5 % of the CPU time are repeated, and it is said how many.

    Parameters
    ----------
    network
        See: convscope networks. timm:NAME for any timm network, or a run.
    batch_sizes
        As in 1,2,8 or 1-9.
    batches
        Batches that are timed, of each size and direction.
    burn_in
        Batches before, that are not.
    precision
        Of the activations; auto is what training computes in.
    layout
        How images and weights lie in memory.
    compile
        Compile the network with torch.compile; what that takes is said.
    device
        cpu, cuda, cuda:1; auto takes a GPU if there is one.
    threads
        CPU threads; all cores unless given.
    against
        Time another way to compute in turn with it, and say which is faster: float32, bfloat16,
        channels-first, channels-last, compiled, not-compiled, 1-thread; several with commas between.
    output
        Keep the result, with a description of the machine, in this .json file.
    compare
        Instead of timing: results that were kept, one or more, beside each other and the source's machines.
    picture
        Where to draw time and ratio by batch size, .png or .svg; with --compare NETWORK-timing.png.
    json
        Print one JSON document on stdout.
    """
    check_picture(picture)
    if compare:
        return _compare(network, compare, picture, json)
    if network is None:
        raise UsageError("benchmark what? Name a network, as in: convscope benchmark vgg16")
    sizes = parse_sizes(batch_sizes)
    for flag, value, least in (("--batches", batches, 1), ("--burn-in", burn_in, 0)):
        if value < least:
            raise UsageError(f"{flag}: {value} must be at least {least}")
    _check_output(output)
    from convscope.benchmarking.benchmark import Amount

    amount = Amount(batch_sizes=sizes, batches=batches, burn_in=burn_in)
    wanted = (precision, layout, compile, device, threads)
    result = _measure(network, amount, wanted, against)
    document = result.to_dict()
    kept = output is not None and _keep(document, output)
    if json:
        print_json(document)
    else:
        print_benchmark(result)
    if picture is not None:
        _draw([document], picture, say=not json)
    if output is not None and kept and not json:
        from convscope.cli.screen import print_whole

        print_whole(result_console(), "kept", here(output))
        print_whole(result_console(), "next", command("convscope", "benchmark", "--compare", output))
    return 0


def parse_sizes(text: str) -> tuple[int, ...]:
    """Batch sizes as they are typed: `1,2,8`, `1-9`."""
    sizes: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*[-–]\s*(\d+))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match and len(part) < 20 else (0, 0)
        if not 1 <= first <= last:
            raise UsageError(f"--batch-sizes: '{text}' are no batch sizes; it takes 1,2,8 or 1-9")
        if last > LARGEST_SIZE or last - first + len(sizes) >= MOST_SIZES:
            raise UsageError(
                f"--batch-sizes: '{text}' are too many; up to {MOST_SIZES} sizes, of {LARGEST_SIZE:,} at most"
            )
        sizes += range(first, last + 1)
    return tuple(dict.fromkeys(sizes))


def _check_output(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix.lower() != ".json":
        raise UsageError(f"--output: '{output}' is not a .json file")
    if output.is_dir() or not output.parent.is_dir():
        what = "is a folder; name a file in it" if output.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"--output: '{output}' {what}")


def _keep(document: "Document", output: Path) -> bool:
    from json import dumps

    from convscope.runs.atomic import write_file

    try:
        write_file(output, dumps(document, indent=1).encode())
    except OSError as error:  # what was measured is still printed
        warn(f"the result was not kept: {reason(error)}")
        return False
    return True


def _measure(network: str, amount: "Amount", wanted: tuple[Any, ...], against: str | None) -> "Benchmark":
    import torch

    from convscope.benchmarking.benchmark import measure_benchmark
    from convscope.benchmarking.subject import subject_network
    from convscope.benchmarking.workload import Setting, Workload
    from convscope.config.asked import TrainingConfig
    from convscope.training.device import choose_precision, use_device

    precision, layout, compiled, device, threads = wanted
    place = use_device(TrainingConfig(device=device, threads=threads))
    built, shape = subject_network(network)
    setting = Setting(
        device=place,
        precision=choose_precision(precision, place, built),
        layout=layout,
        compiled=compiled,
        threads=torch.get_num_threads(),
    )
    other: Workload | None = None
    if against is not None:
        changed = setting.changed(against)
        if changed == setting:
            raise UsageError(f"--against: {against} is what is timed already")
        other = Workload(subject_network(network)[0], shape, changed)
    log = log_console()
    workload = Workload(built, shape, setting)
    with log.status("the device's peak") as status:
        return measure_benchmark(
            network,
            workload,
            amount,
            against=other,
            tell=lambda batch_size, direction: status.update(
                f"batch size {batch_size}, {DIRECTIONS[direction]}"
            ),
        )


def _compare(network: str | None, paths: tuple[Path, ...], picture: Path | None, json: bool) -> int:
    if network is not None:
        raise UsageError("--compare takes results that were kept, and no network")
    from convscope.benchmarking.comparing import compare_times, read_benchmark

    documents = [read_benchmark(path) for path in paths]
    compared = compare_times(documents)
    path = picture or Path(f"{re.sub('[^A-Za-z0-9.-]+', '-', compared.network)}-timing.png")
    if json:
        drawn = _draw(documents, path, say=False)
        print_json(compared.to_dict() | {"picture": str(path) if drawn else None})
        return 0
    print_compared(compared)
    _draw(documents, path, say=True)
    return 0


def _draw(documents: "list[Document]", path: Path, *, say: bool) -> bool:
    from convscope.benchmarking.comparing import compare_times
    from convscope.cli.screen import print_whole

    def write() -> Path:
        from convscope.report.charts.timing import timing_charts
        from convscope.report.charts.vector import to_png, to_svg
        from convscope.runs.atomic import write_file

        chart = timing_charts(compare_times(documents))
        is_svg = path.suffix.lower() == ".svg"
        write_file(path, to_svg(chart).encode() if is_svg else to_png(chart))
        return path

    drawn = try_to(write, otherwise=f"the picture {path} was not drawn")
    if drawn is not None and say:
        print_whole(result_console(), "picture", here(path))
    return drawn is not None
