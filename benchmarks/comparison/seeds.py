"""Real trainings that differ by their seed alone: how often is one called better?

    python benchmarks/comparison/seeds.py --work scratch/ [--pairs 100] [--at-once 2]

Each training of `digits` is a process of its own on one thread, on the same split; seeds 0 and 1 are a pair,
2 and 3 the next. What is in `--work` already is not trained again. Counted are the verdicts, and the pairs
whose p-value is below 0.05: a difference between two classifiers may be true, and is luck all the same.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from convscope.comparison.comparing import compare_sides
from convscope.comparison.sides import read_side
from convscope.comparison.verdicts import word
from convscope.runs.folder import Run

CODE = "from convscope.cli.main import main; main()"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with ThreadPoolExecutor(options.at_once) as pool:
        runs = list(pool.map(lambda seed: trained(seed, options.work), range(2 * options.pairs)))
    found = [
        compare_sides(read_side(one), read_side(other))
        for one, other in zip(runs[::2], runs[1::2], strict=True)
    ]
    print(f"{len(found)} pairs: {dict(Counter(map(word, found)))}")
    values = sorted(each.difference.p_value for each in found)
    print(f"p < 0.05 in {sum(value < 0.05 for value in values)}; the least {values[0]:.4f}")


def trained(seed: int, work: Path) -> Path:
    path = work / f"p-{seed}"
    if not path.is_dir() or Run.open(path).summary() is None:
        flags = ["--seed", str(seed), "--split-seed", "0", "--threads", "1"]
        command = ["train", "digits", *flags, "--runs", str(work), "--name", path.name, "--json"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(
            [sys.executable, "-c", CODE, *command], check=True, env=environment, stdout=subprocess.DEVNULL
        )
    return path


if __name__ == "__main__":
    main()
