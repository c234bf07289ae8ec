"""Peak anonymous memory of training on many photos, and in which part of the run it is reached.

    python benchmarks/photo_memory.py --write benchmarks/results/photo_memory.md

Makes 20,000 different JPEGs (smooth random pictures with noise) and trains on them in a new process, once
for each network, with a cache of its own that only the first of them finds empty. Twenty times a second that
process reads RssAnon, its memory that no file backs: pages of the mapped cache are not in it, the kernel
takes them back at will. The networks differ in what their activations take at this batch size; `linear` has
next to none, so that what is left is the data's.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line does

import numpy as np
from PIL import Image

CLASSES = ("cloud", "field", "water", "stone")
PICTURE = (288, 256)
SIZES = {"linear": 224, "small-resnet": 224, "pretrained": 256}
GOAL = 2000
"""Megabytes."""
NETWORKS = {"linear": 32, "small-resnet": 32, "pretrained": 16}
"""Network: images in a batch."""


def make_photos(folder: Path, count: int) -> None:
    """Write `count` JPEGs, no two alike."""

    def write(number: int) -> None:
        generator = np.random.default_rng(number)
        coarse = generator.integers(0, 256, (7, 8, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize(PICTURE, Image.Resampling.BILINEAR))
        noise = generator.integers(0, 16, PICTURE[::-1], dtype=np.uint8)[..., None]
        place = folder / CLASSES[number % len(CLASSES)] / f"{number:05d}.jpg"
        Image.fromarray(picture // 16 * 15 + noise).save(place, quality=88)

    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(write, range(count)):
            pass


def anonymous_megabytes() -> float:
    """RssAnon of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


class Watcher:
    """Listens to a training and notes the peak of each part of it."""

    def __init__(self) -> None:
        self.part, self.peaks, self.is_over = "imports", {}, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self.is_over.wait(0.05):
            part, now = self.part, anonymous_megabytes()
            self.peaks[part] = max(self.peaks.get(part, 0.0), now)

    def on_choice(self, choice: object) -> None:
        self.part = "preparing: mean and deviation, network"

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        self.part = "measuring before the first step"

    def on_step(self, step: int, images: int) -> None:
        self.part = "steps, and the measuring after them"

    def on_record(self, record: object) -> None:
        pass

    def on_end(self) -> None:
        self.part = "final evaluation"


def train(folder: Path, network: str, steps: int) -> dict[str, Any]:
    """Train in this process; peaks in megabytes by part, and seconds."""
    import torch

    from convscope.cli.process import tune_process
    from convscope.config.asked import ExperimentConfig
    from convscope.config.experiment_file import override
    from convscope.training.start import start_training

    settings = {
        "data.source": str(folder),
        "preprocessing.size": SIZES[network],
        "network.name": network,
        "augmentation.preset": "photos",
        "training.steps": steps,
        "training.batch_size": NETWORKS[network],
        "training.validate_every": 10 * steps,
    }
    tune_process()
    watcher, start = Watcher(), time.perf_counter()
    watcher.thread.start()
    time.sleep(0.2)
    watcher.part = "reading: headers, hashes, decoding, copies, splits"
    try:
        with tempfile.TemporaryDirectory() as runs:
            start_training(override(ExperimentConfig(), settings), runs=Path(runs), progress=watcher)
    finally:
        watcher.is_over.set()
        watcher.thread.join()
    return {"peaks": watcher.peaks, "seconds": time.perf_counter() - start, "torch": torch.__version__}


def report(count: int, steps: int, networks: list[str], machine: str) -> str:
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        make_photos(Path(name) / "photos", count)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{name}/cache"}
        for network in networks:
            arguments = [sys.executable, __file__, "--train", f"{name}/photos", network, str(steps)]
            done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            found[network] = json.loads(done.stdout)
    sizes = sorted({SIZES[network] for network in networks})
    cached = ", ".join(f"{size} px ({count * 3 * size * size / 1e6:,.0f} MB of pixels)" for size in sizes)
    lines = [
        "# Memory of training on many photos",
        "",
        f"{datetime.date.today()}, {machine}, {os.cpu_count()} cores, torch {found[networks[0]]['torch']}.",
        f"{count:,} JPEGs of {PICTURE[0]}×{PICTURE[1]} px at {cached},",
        f"{steps} steps with the preset `photos`, then validation and test. Peak of anonymous memory in MB;",
        f"goal: below {GOAL:,}. The first network finds the cache empty, the others find it filled.",
        "",
        f"| part | {' | '.join(f'{n}, batch {NETWORKS[n]}' for n in networks)} |",
        f"|---|{'---|' * len(networks)}",
    ]
    for part in dict.fromkeys(part for result in found.values() for part in result["peaks"]):
        cells = [f"{result['peaks'].get(part, 0):,.0f}" for result in found.values()]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    highest = [f"**{max(result['peaks'].values()):,.0f}**" for result in found.values()]
    lines.append(f"| peak | {' | '.join(highest)} |")
    seconds = [f"{result['seconds']:,.0f}" for result in found.values()]
    lines.append(f"| seconds | {' | '.join(seconds)} |")
    which = f"--networks {' '.join(networks)}"
    command = f"python benchmarks/photo_memory.py --images {count} --steps {steps} {which}"
    return "\n".join([*lines, "", f"Made by `{command}`."]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--machine", default="this machine")
    parser.add_argument("--write", type=Path, help="also write the result here")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        folder, network, steps = options.train
        print(json.dumps(train(Path(folder), network, int(steps))))
        return
    result = report(options.images, options.steps, options.networks, options.machine)
    print(result)
    if options.write:
        options.write.write_text(result)


if __name__ == "__main__":
    main()
