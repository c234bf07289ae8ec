"""Whether fine-tuning is as good in bfloat16 as in float32: the same training in both, seed by seed.

    python benchmarks/fine_tuning_format.py DATA RUNS [SEED …]

A run that is there already is not made again.
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from speed_results import keep_fine_tuning

FORMATS = ("float32", "bfloat16")


def summary(data: str, runs: Path, seed: str, precision: str) -> dict[str, Any]:
    """What `convscope train DATA` reports in a number format."""
    path = runs / f"{precision}-{seed}" / "summary.json"
    if not path.is_file():
        flags = ["--seed", seed, "--precision", precision, "--runs", str(runs), "--name", path.parent.name]
        subprocess.run(["convscope", "train", data, *flags], check=True)
    return dict(json.loads(path.read_text(encoding="utf-8")))


def row(found: dict[str, Any]) -> dict[str, float]:
    """Over validation and test images together: mean loss, how many are right; and seconds."""
    splits = [found[name] for name in ("validation", "test")]
    accuracies = [each["accuracy"] for each in splits]
    return {
        "loss": fmean(each["loss"] for each in splits),
        "right": sum(round(each["value"] * each["n"]) for each in accuracies),
        "images": sum(each["n"] for each in accuracies),
        "train_seconds": found["seconds"]["train"],
        "total_seconds": found["seconds"]["total"],
    }


def main() -> None:
    data, runs, *seeds = sys.argv[1:]
    found = {
        seed: {precision: row(summary(data, Path(runs), seed, precision)) for precision in FORMATS}
        for seed in seeds or "12345"
    }
    keep_fine_tuning(Path(data).stem, found)


if __name__ == "__main__":
    main()
