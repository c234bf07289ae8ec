"""False alarms: sound trainings of many sizes, networks and data; how many have a warning, and by which rule?

    python benchmarks/diagnosis/healthy.py [--runs 300] [--first 0] [--out FILE.md]

Each run is drawn by its number: 60 to 5,000 images of digits or photos, a network that suits them, and
as many steps as it needs to learn. Everything runs on one thread, so that several can go on side by side:
give each another `--first`.
"""

import argparse
import os
import tempfile
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import convscope
from convscope.config.asked import DataConfig
from convscope.data.sources import ArraySource
from convscope.data.sources.opening import open_source
from convscope.diagnosis.diagnosing import RULES, diagnose_evidence
from convscope.diagnosis.opening import evidence_of_run
from convscope.diagnosis.rule import Diagnosis

SIZES = (60, 100, 200, 400, 800, 1500, 3000, 5000)
NETWORKS = ("two-conv", "linear", "fully-connected", "small-resnet")
MOST_PHOTOS = 1500
"""More take minutes on one thread."""


def sound_run(number: int, folder: Path) -> tuple[str, Diagnosis]:
    """One training, and what is said of it."""
    random = np.random.default_rng(number)
    size = int(random.choice(SIZES))
    is_photos = bool(random.random() < 0.3) and 400 <= size <= MOST_PHOTOS
    network = "small-resnet" if is_photos else str(random.choice(NETWORKS))
    classes = int(random.choice([2, 3, 5, 10])) if size >= 200 else 2
    if is_photos:
        _photos(folder / "data", random, size, classes)
    else:
        _digits(folder / "data", random, size, classes)
    epochs = int(np.clip(2500 // size, 3, 30))
    settings: dict[str, Any] = {"network": network, "epochs": epochs, "threads": 1, "seed": number}
    run = convscope.train(folder / "data", runs=folder / "runs", name="run", **settings).path
    what = f"{'photos' if is_photos else 'digits'}, n = {size}, {classes} classes, {network}"
    return what, diagnose_evidence(evidence_of_run(run))


def _digits(folder: Path, random: np.random.Generator, size: int, classes: int) -> None:
    source = open_source(DataConfig(source="digits"))
    if not isinstance(source, ArraySource):
        raise TypeError("digits are arrays")
    chosen = random.permutation(10)[:classes]
    rows = random.permutation(np.flatnonzero(np.isin(source.labels, chosen)))[:size]
    for row in rows.tolist():
        place = folder / f"class-{source.labels[row]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(source.images[row, 0]).save(place / f"{row:05d}.png")


def _photos(folder: Path, random: np.random.Generator, size: int, classes: int) -> None:
    with zipfile.ZipFile(Path(os.environ["CONVSCOPE_DATA"]) / "cifar10-jpeg" / "train.zip") as photos:
        names = sorted(name for name in photos.namelist() if name.endswith(".jpg"))
        folders = sorted({name.partition("/")[0] for name in names})
        chosen = {folders[place] for place in random.permutation(len(folders))[:classes].tolist()}
        kept = [name for name in names if name.partition("/")[0] in chosen]
        for row in random.permutation(len(kept))[:size].tolist():
            photos.extract(kept[row], folder)


def main() -> None:
    """Print a line for each training, and a table in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    alarms, notes, judged = Counter[str](), Counter[str](), Counter[str]()
    alarmed = 0
    for number in range(asked.first, asked.first + asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            what, found = sound_run(number, Path(folder))
        alarming = [finding for finding in found.findings if finding.is_alarming]
        print(f"{number}: {what}: {[(each.name, each.severity) for each in found.findings]}", flush=True)
        alarmed += bool(alarming)
        alarms.update(finding.kind for finding in alarming)
        notes.update(finding.kind for finding in found.findings if not finding.is_alarming)
        skipped = {each.name for each in found.skipped}
        judged.update(rule.name for rule in RULES if rule.name not in skipped)
    rows = [f"| {r.name} | {judged[r.name]} | {alarms[r.name]} | {notes[r.name]} |" for r in RULES]
    table = "\n".join(["| rule | asked | warnings and errors | notes |", "|---|---|---|---|", *rows])
    print(f"{alarmed} of {asked.runs} runs have a warning or an error\n{table}")
    if asked.out:
        made = f"`python benchmarks/diagnosis/healthy.py --runs {asked.runs} --first {asked.first}`"
        head = (
            f"# False alarms on sound trainings\n\n{date.today()}, by {made}: {alarmed} of {asked.runs} runs"
        )
        asked.out.write_text(f"{head} have a finding of severity warning or error.\n\n{table}\n")


if __name__ == "__main__":
    main()
