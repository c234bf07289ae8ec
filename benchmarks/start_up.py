"""How long `convscope train digits` takes to its first step, and to its end, beside a bare `import torch`.

    python benchmarks/start_up.py --rounds 5
    python benchmarks/start_up.py --rounds 5 --before OLDER/src

In turn, each in a process of its own, from its start to its end; with `--before`, an older copy of the source
as well. Seconds on the clock, and CPU seconds, which tell more on a machine that others use too.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import convscope

SOURCE = Path(convscope.__file__).parents[1]

FIRST_STEP = """
import os
from convscope.cli.main import main
from convscope.cli.process import tune_process
tune_process()
from convscope.cli.watching import Watcher
Watcher.on_step = lambda self, step, images: os._exit(0)
main()
"""
WHOLE = "from convscope.cli.main import main; main()"
PARTS = {"to the first step": FIRST_STEP, "to the prompt": WHOLE}


def measured(code: str, source: Path, folder: str, threads: int | None) -> tuple[float, float]:
    """Seconds on the clock and of the CPU that a fresh interpreter takes."""
    environment = {**os.environ, "PYTHONPATH": str(source)}
    arguments = ["train", "digits", "--runs", folder, *(["--threads", str(threads)] if threads else [])]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, check=True, capture_output=True, cwd=folder
    )
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="the src folder of an older copy")
    parser.add_argument("--first-step-only", action="store_true", help="leave the whole training out")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    sources = {"now": SOURCE} | ({"before": arguments.before.resolve()} if arguments.before else {})
    parts = dict(list(PARTS.items())[:1]) if arguments.first_step_only else PARTS
    cases = {("import torch", ""): ("import torch", SOURCE)} | {
        (part, when): (code, source) for part, code in parts.items() for when, source in sources.items()
    }
    times: dict[tuple[str, str], list[tuple[float, float]]] = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for case, (code, source) in cases.items():
                times[case].append(measured(code, source, folder, arguments.threads))
    torch_times = times["import torch", ""]
    print(f"{arguments.rounds} rounds in turn; medians, and what a bare import of torch takes as 1")
    for (part, when), values in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*values, strict=True))
        ratios = [
            statistics.median(
                mine[kind] / torch[kind] for mine, torch in zip(values, torch_times, strict=True)
            )
            for kind in (0, 1)
        ]
        print(
            f"{part:18} {when:7} {wall:6.2f} s ({ratios[0]:.2f})   CPU {cpu:6.2f} s ({ratios[1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
