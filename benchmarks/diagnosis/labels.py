"""Wrong labels that were planted: are they found, and is their number known? Beside cleanlab, same answers.

    pip install --target scratch/cleanlab --no-deps cleanlab termcolor   # beside this environment
    PYTHONPATH=scratch/cleanlab python benchmarks/diagnosis/labels.py mnist [--out FILE.md]
    PYTHONPATH=scratch/cleanlab python benchmarks/diagnosis/labels.py photos.zip --plants 5 --frozen

A share of the labels is changed to another class at random, as a table of corrections; a run with `--folds 5`
then answers to every image by a classifier that was not fitted on it. Precision is that of the images ranked
first, as many as were planted: with all labels right but those, a perfect ranking has 1.
"""

import argparse
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

import convscope
from convscope.config.asked import DataConfig
from convscope.data.corrections import Correction, write_corrections
from convscope.data.dataset import join
from convscope.data.loading import load_dataset
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.labels import estimated_count, likeliest_wrong, wrong_labels
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import Predictions
from convscope.runs.folder import Run

HEADER = (
    "| planted | estimated (95 % interval) | covers | precision at the number planted | "
    "cleanlab: estimated | cleanlab: precision | what diagnose says |"
)


@dataclass(frozen=True)
class Outcome:
    """Of one plant.

    Attributes:
        planted: how many labels are wrong.
        estimate: the number, and its interval.
        precision: of the images ranked first.
        peer_count, peer_precision: cleanlab's.
        said: the finding, or what passed.
    """

    planted: int
    estimate: tuple[int, int, int]
    precision: float
    peer_count: int | None
    peer_precision: float | None
    said: str

    def row(self) -> str:
        """Of the table."""
        count, low, high = self.estimate
        covers = "yes" if low <= self.planted <= high else "no"
        peer = "–" if self.peer_count is None else f"{self.peer_count:,}"
        theirs = "–" if self.peer_precision is None else f"{self.peer_precision:.3f}"
        return (
            f"| {self.planted:,} | {count:,} ({low:,}–{high:,}) | {covers} | {self.precision:.3f} | {peer} | "
            f"{theirs} | {self.said} |"
        )


def plant(source: str, share: float, seed: int, table: Path) -> set[str]:
    """Write a table that makes a share of the labels wrong; the contents of those images."""
    data = load_dataset(DataConfig(source=source), size=(32, 32), channels=1, fit="squash", seed=0)
    images = join([each for each in data.splits.values() if len(each)])
    random = np.random.default_rng(seed)
    once = np.unique(np.array(images.hashes), return_index=True)[1]
    rows = random.choice(once, round(share * len(images)), replace=False)
    lines = []
    for row in rows.tolist():
        old = data.class_names[int(images.labels[row])]
        others = [name for name in data.class_names if name != old]
        new = str(random.choice(others))
        lines.append(Correction(path=images.ids[row], content=images.hashes[row], old=old, new=new))
    table.write_bytes(write_corrections(lines))
    return {each.content for each in lines}


def answers(source: str, table: Path, folder: Path, seed: int, settings: dict[str, Any]) -> Predictions:
    """To every image, by a classifier that was not fitted on it."""
    run = convscope.train(
        source, runs=folder, name=f"plant-{seed}", folds=5, corrections=str(table), **settings
    )
    return read_held_out(Run.open(run.path))


def judge(held_out: Predictions, wrong: set[str]) -> Outcome:
    """What is found of what was planted."""
    is_wrong = np.array([content in wrong for content in held_out.hashes])
    planted = int(is_wrong.sum())
    probabilities = softmax(held_out.logits.astype(np.float64), axis=1)
    first = likeliest_wrong(probabilities, held_out.labels)[:planted]
    try:
        verdict = wrong_labels(held_out)
        said = verdict.findings[0].sentence if verdict.findings else f"nothing found: {verdict.fine}"
    except AbsentError as absent:
        said = f"not asked: {absent}"
    peer = _cleanlab(probabilities, held_out.labels, planted)
    return Outcome(
        planted=planted,
        estimate=estimated_count(probabilities, held_out.labels),
        precision=float(is_wrong[first].mean()),
        peer_count=None if peer is None else peer[0],
        peer_precision=None if peer is None else float(is_wrong[peer[1]].mean()),
        said=said,
    )


def _cleanlab(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], planted: int
) -> tuple[int, NDArray[np.int64]] | None:
    """How many it thinks wrong, and those it ranks first; None where it is not installed."""
    try:
        from cleanlab.count import num_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return None
    scores = get_label_quality_scores(labels, probabilities)
    return int(num_label_issues(labels, probabilities)), np.argsort(scores, kind="stable")[:planted]


def main() -> None:
    """Print a row for each plant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--plants", type=int, default=1)
    parser.add_argument("--frozen", action="store_true", help="the exact head alone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--answers", type=Path, help="keep and reuse the answers here")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    settings: dict[str, Any] = {"threads": asked.threads} | ({"frozen": True} if asked.frozen else {})
    rows = [HEADER, "|---|---|---|---|---|---|---|"]
    print(rows[0], rows[1], sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.answers or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in range(asked.plants):
            table = folder / f"plant-{seed}.csv"
            wrong = plant(asked.source, asked.share, seed, table)
            kept = folder / f"plant-{seed}"
            held_out = (
                read_held_out(Run.open(kept))
                if (kept / "summary.json").is_file()
                else answers(asked.source, table, folder, seed, settings)
            )
            rows.append(judge(held_out, wrong).row())
            print(rows[-1], flush=True)
    if asked.out:
        asked.out.write_text(f"{date.today()}, {asked.source}\n\n" + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
