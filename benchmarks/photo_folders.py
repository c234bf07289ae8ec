"""How good each recipe is on each folder of photos, by the same folds: one table.

    python benchmarks/photo_folders.py a.zip b.zip --work scratch/
    python benchmarks/photo_folders.py a.zip --work scratch/ --recipe "short=--epochs 4" --folds 3
    python benchmarks/photo_folders.py a.zip --work scratch/ --shared "--size 96 --threads 1"

A recipe is what is typed after `convscope train FOLDER --folds K`. Each is trained in a process of its own,
with an empty cache, so that its CPU seconds hold all that it needs; what is in `--work` already is not done
again. Beside what was chosen stand the candidates that it was chosen from, from the same training: the exact
head (`head`), the fine-tuned weights (`last`), and their `blend`.

Accuracy and log loss are means over folds, each on images held out from it, after its logits were divided by
the temperature that suits the other folds: the classifier that is kept gets one, too. The loss without stands
beside it. Differences are to the head of the same training, fold by fold, with Nadeau and Bengio's corrected
95 % interval (2003); over folders, the mean and the standard error over folders.
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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from convscope.evaluation.predictions import has_predictions, read_predictions
from convscope.evaluation.proportion import MeanOverRuns
from convscope.evaluation.temperature import temper_by_others
from convscope.runs.folder import Run

CODE = "from convscope.cli.main import main; main()"
CHOSEN, HEAD, TIMM = "test", "head", "timm"
ANSWERS = {CHOSEN: "chosen", HEAD: "head", "blend": "blend", "last": "last"}
DEFAULT = ("default=", "frozen=--frozen")
COLUMNS = """| accuracy | log loss | without | CPU s | accuracy − head | log loss − head |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """Values of each fold that was judged."""

    folder: str
    recipe: str
    which: str
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    """With each fold's logits divided by what suits the others."""
    plain_loss: tuple[float, ...]
    """As they are."""
    cpu_seconds: float
    numbers: tuple[int, ...]
    """Of the folds; the first is 1."""

    def on(self, numbers: tuple[int, ...]) -> "Row":
        """Only what these folds say."""
        places = [self.numbers.index(number) for number in numbers]
        accuracy, loss, plain = (
            tuple(values[place] for place in places) for values in (self.accuracy, self.loss, self.plain_loss)
        )
        return replace(self, accuracy=accuracy, loss=loss, plain_loss=plain, numbers=numbers)


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
    print(f"| folder | recipe | which {COLUMNS}")
    for folder in options.folders:
        for recipe in options.recipe or DEFAULT:
            name, _, flags = recipe.partition("=")
            arguments = shlex.split(f"{options.shared} {flags} --folds {options.folds}")
            run, seconds = trained(folder.resolve(), name, arguments, options.work.resolve())
            found = read_rows(run, folder.stem, name, seconds)
            if name == "default":
                found += read_timm(options.work, folder.stem)
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
        logits, labels = [each.logits for each in kept], [each.labels for each in kept]
        rows.append(row_of(folder, recipe, which, logits, labels, seconds))
    only = len(rows) == 2 and rows[0].accuracy == rows[1].accuracy  # nothing was there to choose from
    return rows[:1] if only else rows


def row_of(
    folder: str,
    recipe: str,
    which: str,
    logits: Sequence[NDArray[np.float32]],
    labels: Sequence[NDArray[np.int64]],
    seconds: float,
    numbers: tuple[int, ...] | None = None,
) -> Row:
    """From the logits `(n, K)` and labels `(n,)` of each fold: of all, unless `numbers` says which."""
    parts = np.repeat(np.arange(len(labels)), [len(each) for each in labels])
    tempered = temper_by_others(np.concatenate(list(logits)), np.concatenate(list(labels)), parts)
    accuracy = tuple(float((a.argmax(1) == b).mean()) for a, b in zip(logits, labels, strict=True))
    loss = tuple(loss_of(tempered[parts == part], each) for part, each in enumerate(labels))
    plain = tuple(loss_of(a, b) for a, b in zip(logits, labels, strict=True))
    return Row(
        folder, recipe, which, accuracy, loss, plain, seconds, numbers or tuple(range(1, len(labels) + 1))
    )


def loss_of(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return -float(log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def read_timm(work: Path, folder: str) -> list[Row]:
    """What timm's own recipe gets on those of the same folds on which photo_timm.py measured it."""
    kept = {int(path.stem.rpartition("-")[2]): np.load(path) for path in work.glob(f"{folder}-timm-*.npz")}
    if len(kept) < 2:
        return []
    numbers = tuple(sorted(kept))
    found = [kept[number] for number in numbers]
    seconds = sum(float(each["cpu_seconds"]) for each in found)
    logits, labels = [each["logits"] for each in found], [each["labels"] for each in found]
    return [row_of(folder, TIMM, "last", logits, labels, seconds, numbers)]


def line(row: Row, head: Row, folds: int) -> str:
    """A row of the table, with what it gains over the head alone."""
    accuracy, loss = statistics.mean(row.accuracy), statistics.mean(row.loss)
    judged = "" if row.numbers == head.numbers else f" (folds {', '.join(map(str, row.numbers))})"
    head = head.on(row.numbers)
    gained = against(row.accuracy, head.accuracy, folds, 100, 1)
    lost = against(row.loss, head.loss, folds, 1, 3)
    return (
        f"| {row.folder} | {row.recipe}{judged} | {row.which} | {100 * accuracy:.1f} % | {loss:.3f} "
        f"| {statistics.mean(row.plain_loss):.3f} | {row.cpu_seconds:.0f} | {gained} | {lost} |"
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
    print(f"| recipe | which | folders {COLUMNS}")
    for recipe, which in dict.fromkeys((row.recipe, row.which) for row in rows):
        mine = [row for row in rows if (row.recipe, row.which) == (recipe, which)]
        heads = {row.folder: row for row in rows if row.which == HEAD and recipe in (row.recipe, TIMM)}
        pairs = [
            (row, heads[row.folder].on(row.numbers)) for row in mine if row.folder in heads and which != HEAD
        ]
        gained = spread([100 * (mean_of(row.accuracy) - mean_of(head.accuracy)) for row, head in pairs], 1)
        lost = spread([mean_of(row.loss) - mean_of(head.loss) for row, head in pairs], 3)
        accuracy, loss, plain, seconds = (
            mean_of([part(row) for row in mine])
            for part in (
                lambda row: mean_of(row.accuracy),
                lambda row: mean_of(row.loss),
                lambda row: mean_of(row.plain_loss),
                lambda row: row.cpu_seconds,
            )
        )
        print(
            f"| {recipe} | {which} | {len(mine)} | {100 * accuracy:.1f} % | {loss:.3f} | {plain:.3f} "
            f"| {seconds:.0f} | {gained} | {lost} |"
        )
    theirs = {row.folder: row for row in rows if row.recipe == TIMM}
    ours = [row for row in rows if row.which == ANSWERS[CHOSEN] and row.folder in theirs]
    both = [(row.on(theirs[row.folder].numbers), theirs[row.folder]) for row in ours]
    if both:
        gained = spread([100 * (mean_of(one.accuracy) - mean_of(other.accuracy)) for one, other in both], 1)
        lost = spread([mean_of(one.loss) - mean_of(other.loss) for one, other in both], 3)
        print(f"\nChosen − timm on the same folds of {len(both)} folders: {gained} points, {lost} nats")


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
