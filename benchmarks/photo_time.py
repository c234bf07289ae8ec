"""Log loss against seconds: what `convscope train FOLDER --time T` makes of more time.

    python benchmarks/photo_time.py kittens.zip fruit.zip --budgets 20s 60s 5m 15m --seeds 0 --work scratch/

Trains each folder with each budget, in turn, the smallest budgets first, and prints the log loss and the
accuracy of the test images, which are `--test` of all and the same for all budgets of a seed, beside the
seconds from the start of the process to its end. What `--work` holds already is not trained again, so that
the table can be asked for at any time.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from convscope.runs.folder import Run

SECONDS = {"s": 1, "m": 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--budgets", nargs="+", default=["20s", "60s", "5m", "15m"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--test", type=float, default=0.3, help="share of the images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print("| folder | seed | budget | took | kept | epochs | test images | accuracy | log loss |")
    print("|---|---|---|---|---|---|---|---|---|")
    for seed in options.seeds:
        for budget in sorted(options.budgets, key=_seconds):
            for folder in options.folders:
                name = f"{folder.stem}-{seed}-{budget}"
                took = _trained(folder, name, budget, seed, options)
                run = Run.open(options.work / name)
                summary = run.read("summary.json")
                test = summary["test"]
                low, high = test["loss_interval"]
                print(
                    f"| {folder.stem} | {seed} | {budget} | {took:.1f} s | {summary['checkpoint']} "
                    f"| {summary['epochs']:.1f} | {test['accuracy']['n']} "
                    f"| {100 * test['accuracy']['value']:.1f} % "
                    f"| {test['loss']:.3f} ({low:.3f}–{high:.3f}) |",
                    flush=True,
                )


def _seconds(budget: str) -> float:
    return float(budget[:-1]) * SECONDS[budget[-1]]


def _trained(folder: Path, name: str, budget: str, seed: int, options: argparse.Namespace) -> float:
    """Seconds from the start of the training's process to its end, now or when it was."""
    kept = options.work / f"{name}.json"
    if not kept.exists():
        command = [str(Path(sys.executable).with_name("convscope")), "train", str(folder), "--time", budget]
        command += ["--seed", str(seed), "--test-fraction", str(options.test), "--json", "--name", name]
        command += ["--threads", str(options.threads), "--runs", str(options.work)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        kept.write_text(json.dumps({"seconds": time.perf_counter() - start}))
    return float(json.loads(kept.read_text())["seconds"])


if __name__ == "__main__":
    main()
