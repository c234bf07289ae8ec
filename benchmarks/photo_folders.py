"""How good each recipe is on each folder of photos, by the same folds: one table.

    python benchmarks/photo_folders.py a.zip b.zip --work scratch/
    python benchmarks/photo_folders.py a.zip --work scratch/ --recipe "short=--epochs 4" --folds 3
    python benchmarks/photo_folders.py a.zip --work scratch/ --shared "--size 96 --threads 1"

A recipe is what is typed after `convscope train FOLDER --folds K`. Each is trained in a process of its own,
with an empty cache, so that its CPU seconds hold all that it needs; what is in `--work` already is not done
again. Beside what was chosen stand the candidates that it was chosen from, from the same training: the exact
head (`head`), the fine-tuned weights (`last`), and their `blend`. Accuracy and log loss are means over folds,
each on images held out from it. Differences are to the head of the same training, fold by fold, with Nadeau
and Bengio's corrected 95 % interval (2003); over folders, the mean and the standard error over folders.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from convscope.evaluation.predictions import has_predictions, read_predictions
from convscope.evaluation.proportion import MeanOverRuns
from convscope.runs.folder import Run

CODE = "from convscope.cli.main import main; main()"
CHOSEN, HEAD = "test", "head"
ANSWERS = {CHOSEN: "chosen", HEAD: "head", "blend": "blend", "last": "last"}
DEFAULT = ("default=", "frozen=--frozen")


@dataclass(frozen=True)
class Row:
    """Values of each fold."""

    folder: str
    recipe: str
    which: str
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where runs are made and found again")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recipe", action="append", metavar="NAME=FLAGS")
    parser.add_argument("--shared", default="", help="flags of every recipe")
    options = parser.parse_args()
    rows: list[Row] = []
    print("| folder | recipe | which | accuracy | log loss | CPU s | accuracy − head | log loss − head |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in options.folders:
        for recipe in options.recipe or DEFAULT:
            name, _, flags = recipe.partition("=")
            arguments = shlex.split(f"{options.shared} {flags} --folds {options.folds}")
            run, seconds = trained(folder.resolve(), name, arguments, options.work.resolve())
            found = read_rows(run, folder.stem, name, seconds)
            if name == "default":
                found += read_timm(options.work, folder.stem, options.folds)
            heads = [row for row in found if row.which == HEAD]
            for row in found:
                print(line(row, (heads or found)[0], options.folds), flush=True)
            rows += found
    print()
    over_folders(rows)


def trained(folder: Path, name: str, flags: list[str], work: Path) -> tuple[Run, float]:
    """A finished run and what it cost; trained where it is not there."""
    path = work / f"{folder.stem}-{name}"
    cost = work / f"{folder.stem}-{name}.json"
    if not cost.exists():
        shutil.rmtree(path, ignore_errors=True)
        cache = work / f"{folder.stem}-{name}.cache"
        arguments = ["train", str(folder), *flags, "--runs", str(work), "--name", path.name, "--json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", CODE, *arguments],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        shutil.rmtree(cache, ignore_errors=True)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        cost.write_text(json.dumps({"cpu_seconds": spent, "flags": flags}))
    kept = json.loads(cost.read_text())
    if kept["flags"] != flags:
        raise SystemExit(f"{path} was trained with {shlex.join(kept['flags'])}; take another --work")
    return Run.open(path), kept["cpu_seconds"]


def read_rows(run: Run, folder: str, recipe: str, seconds: float) -> list[Row]:
    """What was chosen, and each candidate that it was chosen from."""
    folds = [Run(path) for path in sorted((run.path / "folds").iterdir())]
    rows = []
    for answers, which in ANSWERS.items():
        if not all(has_predictions(fold, answers) for fold in folds):
            continue
        kept = [read_predictions(fold, answers) for fold in folds]
        accuracy = tuple(each.accuracy.value for each in kept)
        loss = tuple(
            -float(log_softmax(each.logits, axis=1)[np.arange(len(each)), each.labels].mean())
            for each in kept
        )
        rows.append(Row(folder, recipe, which, accuracy, loss, seconds))
    only = len(rows) == 2 and rows[0].accuracy == rows[1].accuracy  # nothing was there to choose from
    return rows[:1] if only else rows


def read_timm(work: Path, folder: str, folds: int) -> list[Row]:
    """What timm's own recipe gets on the same folds, where photo_timm.py measured it."""
    kept = work / f"{folder}-timm.json"
    if not kept.exists():
        return []
    found = json.loads(kept.read_text())
    accuracy, loss = tuple(found["accuracy"]), tuple(found["log_loss"])
    if len(accuracy) < folds:
        return []
    return [Row(folder, "timm", "last", accuracy, loss, found["cpu_seconds"])]


def line(row: Row, head: Row, folds: int) -> str:
    """A row of the table, with what it gains over the head alone."""
    accuracy, loss = statistics.mean(row.accuracy), statistics.mean(row.loss)
    gained = against(row.accuracy, head.accuracy, folds, 100, 1)
    lost = against(row.loss, head.loss, folds, 1, 3)
    return (
        f"| {row.folder} | {row.recipe} | {row.which} | {100 * accuracy:.1f} % | {loss:.3f} "
        f"| {row.cpu_seconds:.0f} | {gained} | {lost} |"
    )


def against(
    values: tuple[float, ...], others: tuple[float, ...], folds: int, factor: float, decimals: int
) -> str:
    """`+1.2 (−0.3 to +2.7)`; nothing against itself."""
    if values == others:
        return ""
    differences = tuple(factor * (one - other) for one, other in zip(values, others, strict=True))
    mean = MeanOverRuns.of_folds(differences, folds)
    low, high = mean.interval
    return f"{mean.mean:+.{decimals}f} ({low:+.{decimals}f} to {high:+.{decimals}f})".replace("-", "−")


def over_folders(rows: list[Row]) -> None:
    """Each recipe's mean over folders, and its difference to the head of the same trainings."""
    print("| recipe | which | folders | accuracy | log loss | CPU s | accuracy − head | log loss − head |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe, which in dict.fromkeys((row.recipe, row.which) for row in rows):
        mine = [row for row in rows if (row.recipe, row.which) == (recipe, which)]
        heads = {row.folder: row for row in rows if row.which == HEAD and recipe in (row.recipe, "timm")}
        pairs = [(row, heads[row.folder]) for row in mine if row.folder in heads and which != HEAD]
        gained = spread([100 * (mean_of(row.accuracy) - mean_of(head.accuracy)) for row, head in pairs], 1)
        lost = spread([mean_of(row.loss) - mean_of(head.loss) for row, head in pairs], 3)
        accuracy, loss, seconds = (
            mean_of([part(row) for row in mine])
            for part in (
                lambda row: mean_of(row.accuracy),
                lambda row: mean_of(row.loss),
                lambda row: row.cpu_seconds,
            )
        )
        print(
            f"| {recipe} | {which} | {len(mine)} | {100 * accuracy:.1f} % | {loss:.3f} | {seconds:.0f} "
            f"| {gained} | {lost} |"
        )


def mean_of(values: tuple[float, ...] | list[float]) -> float:
    return statistics.mean(values)


def spread(values: list[float], decimals: int) -> str:
    """`+1.2 ± 0.4`: the mean and its standard error."""
    if not values:
        return ""
    error = f" ± {statistics.stdev(values) / len(values) ** 0.5:.{decimals}f}" if len(values) > 1 else ""
    return f"{mean_of(values):+.{decimals}f}".replace("-", "−") + error


if __name__ == "__main__":
    main()
