"""False alarms: sound trainings of many sizes, networks and data; how many have a warning, and by which rule?

    python benchmarks/diagnosis/healthy.py [--runs 300] [--first 1000] [--keep FOLDER] [--most N] [--out MD]

Each run is drawn by its number: 60 to 5,000 images of handwritten digits, of small coloured photos or of
hands, a network that suits them, and 10,000 images seen, in which it learns. Everything runs on one thread,
so that several can go on side by side: give each another `--first`. With `--keep` a training is made once and
stays: rules that were changed are put to the same trainings again, and what was stopped goes on. `--train`
makes them, and asks no rule.

A rule that was mended by some of these trainings has to be measured on others: give another `--first`.
"""

import argparse
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import convscope
from convscope.config.asked import DataConfig
from convscope.data.sources import ArraySource
from convscope.data.sources.opening import open_source
from convscope.diagnosis.diagnosing import RULES, diagnose_evidence
from convscope.diagnosis.opening import evidence_of_run
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import DataError
from convscope.evaluation.proportion import Proportion
from convscope.runs.folder import Run

SIZES = (60, 100, 200, 400, 800, 1500, 3000, 5000)
NETWORKS = {
    "digits": ("two-conv", "linear", "fully-connected", "small-resnet"),
    "mnist": ("two-conv", "linear", "fully-connected", "small-resnet"),
    "photos": ("small-resnet", "whitened-vgg"),
    "hands": ("pretrained",),
}
MOST = {"digits": 5000, "mnist": 5000, "photos": 1500, "hands": 800}
"""Images; more photos take minutes on one thread, and there are no more digits and hands."""
FEWEST = {"digits": 60, "mnist": 60, "photos": 400, "hands": 200}
SEEN = 10_000
"""Images in a training, counted as often as they are seen; after 2,500 some networks answer one class."""
CLASSES = {"digits": 10, "mnist": 10, "photos": 10, "hands": 8}


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What a run is made of, by its number."""

    number: int
    data: str
    size: int
    classes: int
    network: str

    @staticmethod
    def of(number: int) -> "Draw":
        """The same each time."""
        random = np.random.default_rng(number)
        size = int(random.choice(SIZES))
        data = str(random.choice(list(NETWORKS), p=(0.35, 0.35, 0.2, 0.1)))
        if size < FEWEST[data] or size > MOST[data]:
            data = str(random.choice(["digits", "mnist"]))
        most = CLASSES[data]
        classes = min(most, int(random.choice([2, 3, 5, 10]))) if size >= 200 else 2
        network = str(random.choice(NETWORKS[data]))
        return Draw(number=number, data=data, size=size, classes=classes, network=network)

    def __str__(self) -> str:
        return f"{self.data}, n = {self.size}, {self.classes} classes, {self.network}"

    def lay_out(self, folder: Path) -> None:
        """Its images, in class folders."""
        random = np.random.default_rng([self.number, 1])
        if self.data in ("digits", "mnist"):
            _digits(folder, self, random)
        else:
            archive = {"photos": "cifar10-jpeg/train.zip", "hands": "photos/sign-digits.zip"}[self.data]
            _photos(folder, archive, self, random)

    def train(self, data: Path, runs: Path) -> Path:
        """The run."""
        settings: dict[str, Any] = {"network": self.network, "threads": 1, "seed": self.number}
        if self.network == "pretrained":
            settings["frozen"] = True
        else:
            settings["epochs"] = int(np.clip(SEEN // self.size, 3, 60))
        return convscope.train(data, runs=runs, name="run", **settings).path


def _digits(folder: Path, draw: Draw, random: np.random.Generator) -> None:
    source = open_source(DataConfig(source=draw.data))
    if not isinstance(source, ArraySource):
        raise TypeError("digits are arrays")
    labels = np.asarray(source.labels)
    rows = _rows(labels, draw, random)
    for row in rows:
        place = folder / f"class-{labels[row]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(source.images[row, 0])).save(place / f"{row:05d}.png")


def _photos(folder: Path, archive: str, draw: Draw, random: np.random.Generator) -> None:
    with zipfile.ZipFile(Path(os.environ["CONVSCOPE_DATA"]) / archive) as photos:
        names = sorted(name for name in photos.namelist() if name.endswith((".jpg", ".jpeg", ".png")))
        labels = np.unique([name.split("/")[-2] for name in names], return_inverse=True)[1]
        for row in _rows(labels, draw, random):
            place = folder / names[row].split("/")[-2]
            place.mkdir(parents=True, exist_ok=True)
            (place / names[row].split("/")[-1]).write_bytes(photos.read(names[row]))


def _rows(labels: NDArray[Any], draw: Draw, random: np.random.Generator) -> list[int]:
    chosen = random.permutation(np.unique(labels))[: draw.classes]
    rows: list[int] = random.permutation(np.flatnonzero(np.isin(labels, chosen)))[: draw.size].tolist()
    return rows


def sound_run(draw: Draw, place: Path, *, train_alone: bool) -> Diagnosis | None:
    """One training, made unless it is there, and what is said of it."""
    run = place / "run"
    is_made = run.is_dir() and Run(run).summary() is not None
    if is_made and train_alone:
        return None
    draw.lay_out(place / "data")
    try:
        if not is_made:
            shutil.rmtree(run, ignore_errors=True)
            draw.train(place / "data", place)
        return None if train_alone else diagnose_evidence(evidence_of_run(run))
    finally:
        shutil.rmtree(place / "data")  # drawn anew in a moment; the run is what took time


def main() -> None:
    """Print a line for each training, and a table in the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--most", type=int, default=max(SIZES), help="leave draws of more images out")
    parser.add_argument("--keep", type=Path)
    parser.add_argument(
        "--train", action="store_true", help="make the trainings that --keep lacks, and ask no rule"
    )
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        found = []
        for number in range(asked.first, asked.first + asked.runs):
            draw = Draw.of(number)
            if draw.size > asked.most:
                continue
            place = (asked.keep or Path(temporary)) / f"{number:05d}"
            try:
                diagnosis = sound_run(draw, place.absolute(), train_alone=asked.train)
            except DataError as refused:  # a draw of near-copies alone
                print(f"{number}: {draw}: {refused}", flush=True)
                continue
            if diagnosis is None:
                print(f"{number}: {draw}", flush=True)
                continue
            said = [f"{each.name} ({each.severity}, p = {each.p:.2g})" for each in diagnosis.findings]
            print(f"{number}: {draw}: {'; '.join(said) or 'nothing'}", flush=True)
            for each in diagnosis.findings:
                if each.is_alarming:
                    print(f"    {json.dumps(each.to_dict(), ensure_ascii=False)}", flush=True)
            found.append((draw, diagnosis))
    if found:
        fewer = "" if asked.most == max(SIZES) else f" --most {asked.most}"
        text = _page(found, f"--runs {asked.runs} --first {asked.first}{fewer}")
        print(text)
        if asked.out:
            asked.out.write_text(text)


def _page(found: Sequence[tuple[Draw, Diagnosis]], flags: str) -> str:
    alarms, notes, judged, drawn = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    alarmed = []
    for draw, diagnosis in found:
        drawn[draw.data] += 1
        grave = [each for each in diagnosis.findings if each.is_alarming]
        alarmed += [f"- run {draw.number}, {draw}: {'; '.join(each.said for each in grave)}"] if grave else []
        alarms.update(each.kind for each in grave)
        notes.update(each.kind for each in diagnosis.findings if not each.is_alarming)
        judged.update(
            rule.name for rule in RULES if rule.name not in {each.name for each in diagnosis.skipped}
        )
    low, high = Proportion(len(alarmed), len(found)).interval
    rows = [f"| {r.name} | {judged[r.name]} | {alarms[r.name]} | {notes[r.name]} |" for r in RULES]
    return "\n".join(
        [
            "# False alarms on sound trainings",
            "",
            f"{date.today()}, by `python benchmarks/diagnosis/healthy.py {flags}`: "
            f"{len(alarmed)} of {len(found)} runs have a finding of severity warning or error "
            f"(95 % interval {100 * low:.1f}–{100 * high:.1f} %).",
            f"Runs on {', '.join(f'{name} {count}' for name, count in sorted(drawn.items()))}.",
            "",
            *alarmed,
            *([""] if alarmed else []),
            "| rule | asked | warnings and errors | notes |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
