"""Does a forecast from half of a folder hold for the whole?

    python benchmarks/diagnosis/forecasts.py [--folders 20] [--first 0] [--factor 2] [--out FILE.md]

Each folder is drawn by its number: some classes of photos, by features of EfficientNet-Lite0, or of MNIST, by
raw pixels. A half of it (with `--factor 4` a quarter) gives the forecast, by five folds and the exact head on
parts of it. What came: the whole folder is cross-validated (its accuracy), and again with no more images to
learn from than the forecast had (the gain, on the same images held out).
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.config.asked import DataConfig, ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.sources import ArraySource, open_source
from convscope.data.survey import survey_source
from convscope.diagnosis.rule import AbsentError
from convscope.evaluation.proportion import Proportion
from convscope.training.device import use_device
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.features import find_features
from convscope.training.plan import plan_experiment
from convscope.training.preparation import load_planned, prepare
from convscope.training.progress import Silent
from convscope.trials.growth.by_head import curve_by_head
from convscope.trials.growth.curve import Curve, stratified_order
from convscope.trials.growth.law import Forecast, fit_law

FOLDS, TIMES = 5, 3
"""So often is the part drawn anew for the gain that came."""
QUANTILE = 1.645
"""Of the normal distribution, for 90 %."""
DATA = Path(os.environ.get("CONVSCOPE_DATA", "."))

PLANS = (
    *(("kittencat", 2), ("trashnet", 6), ("sign-digits", 8), ("apples-pears", 8), ("magnetic-tile", 6)),
    *(("trashnet", 4), ("sign-digits", 5), ("apples-pears", 5), ("magnetic-tile", 4), ("trashnet", 3)),
    *(("sign-digits", 3), ("apples-pears", 3), ("magnetic-tile", 3), ("trashnet", 2), ("sign-digits", 2)),
    *(("mnist", 10), ("mnist", 10), ("mnist", 5), ("mnist", 3), ("mnist", 2)),
)
"""Twenty folders: of which pool, and of how many of its classes; the next twenty draw others."""
DIGITS = (300, 600, 1200, 2400)
"""Images, drawn; of the photos all of the drawn classes are taken, and of the next twenty three quarters."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Many images, as the head sees them."""

    features: Tensor
    labels: NDArray[np.int64]
    clusters: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Came:
    """A forecast beside what came."""

    folder: str
    forecast: Forecast | str
    now: float
    gain: float
    spread: float
    accuracy: float

    @property
    def is_gain_inside(self) -> bool:
        """Whether the gain that came lies in the interval, widened by how well that gain is known."""
        if isinstance(self.forecast, str):
            return True
        low, high = self.forecast.interval
        middle, half = (low + high) / 2, np.hypot((high - low) / 2, QUANTILE * self.spread)
        return bool(abs(self.gain - middle) <= half)

    @property
    def is_accuracy_inside(self) -> bool:
        """Whether the accuracy of the whole lies in the interval."""
        if isinstance(self.forecast, str):
            return True
        low, high = self.forecast.accuracy_interval
        return low <= self.accuracy <= high


def photos(name: str) -> Pool:
    """All images of an archive, by features that are kept in convscope's cache."""
    source = DATA / ("kittencat.zip" if name == "kittencat" else f"photos/{name}.zip")
    asked = {"data.source": str(source), "network.name": "pretrained", "training.frozen": True}
    config = override(ExperimentConfig(), asked)
    planned = plan_experiment(config, survey_source(open_source(config.data), config.data.max_pixels)).config
    data = load_planned(planned)
    classifier = prepare(planned, data, use_device(planned.training), Silent()).classifier
    images = data.all_for_training().train
    features = find_features(classifier.network, classifier.preprocessing, images.images)
    clusters = np.array(images.clusters or range(len(images)), dtype=np.int64)
    return Pool(features, images.labels.numpy(), clusters)


def mnist() -> Pool:
    """10,000 digits, each 784 pixels."""
    source = open_source(DataConfig(source="mnist"))
    if not isinstance(source, ArraySource):
        raise TypeError("mnist is arrays")
    rows = np.random.default_rng(0).permutation(len(source.labels))[:10_000]
    pixels = torch.from_numpy(np.asarray(source.images)[rows].reshape(len(rows), -1)).float() / 255
    labels = np.asarray(source.labels)[rows].astype(np.int64)
    return Pool(pixels, labels, np.arange(len(rows)))


def draw(pool: Pool, name: str, classes: int, number: int) -> tuple[str, Pool]:
    """A folder of some classes."""
    random = np.random.default_rng(number)
    chosen = np.sort(random.permutation(np.unique(pool.labels))[:classes])
    inside = np.isin(pool.labels, chosen)
    rows = np.flatnonzero(inside)
    if name == "mnist":
        size = int(random.choice(DIGITS))
    else:
        size = len(rows) if number < len(PLANS) else 3 * len(rows) // 4
    order = stratified_order(pool.labels[rows].tolist(), pool.clusters[rows].tolist(), number)[:size]
    rows = np.sort(rows[order])
    labels = np.searchsorted(chosen, pool.labels[rows])
    return f"{name}, {len(rows)} images, {classes} classes", Pool(
        pool.features[rows], labels, pool.clusters[rows]
    )


def judge(name: str, folder: Pool, factor: int, seed: int) -> Came:
    """The forecast from a part, and what came of the whole."""
    labels, clusters = folder.labels.tolist(), folder.clusters.tolist()
    part = sorted(stratified_order(labels, clusters, seed)[: len(labels) // factor])
    small = Pool(folder.features[part], folder.labels[part], folder.clusters[part])
    curve = _curve(small, seed)
    forecast: Forecast | str
    try:
        forecast = fit_law(curve).forecast(factor)
    except AbsentError as absent:
        forecast = str(absent)
    folds = _folds(folder, seed)
    then = np.concatenate([_wrong(folder, train, held) for train, held in folds])
    now = np.mean(
        [
            np.concatenate(
                [_wrong(folder, _part_of(folder, train, factor, seed + time), held) for train, held in folds]
            )
            for time in range(TIMES)
        ],
        axis=0,
    )
    return Came(
        folder=name,
        forecast=forecast,
        now=float(1 - curve.errors[-1]),
        gain=float((now - then).mean()),
        spread=_spread(now - then, np.array([clusters[row] for _, held in folds for row in held])),
        accuracy=float(1 - then.mean()),
    )


def _curve(pool: Pool, seed: int) -> Curve:
    labels = torch.from_numpy(pool.labels)
    return curve_by_head(pool.features, labels, pool.clusters.tolist(), _folds(pool, seed))


def _part_of(folder: Pool, rows: Sequence[int], factor: int, seed: int) -> list[int]:
    """As many of these rows as the forecast learned from."""
    order = stratified_order(folder.labels[rows].tolist(), folder.clusters[rows].tolist(), seed)
    return [rows[place] for place in order[: len(rows) // factor]]


def _spread(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> float:
    """The standard error of a mean, clusters being one witness each."""
    sums = np.bincount(clusters, weights=values - values.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(values))


def _folds(pool: Pool, seed: int) -> list[tuple[list[int], list[int]]]:
    labels, clusters = pool.labels.tolist(), pool.clusters.tolist()
    order = stratified_order(labels, clusters, seed)
    fold_of: dict[int, int] = {}
    for place, row in enumerate(order):
        fold_of.setdefault(clusters[row], place % FOLDS)
    held = [[row for row in order if fold_of[clusters[row]] == fold] for fold in range(FOLDS)]
    return [([row for row in order if fold_of[clusters[row]] != fold], held[fold]) for fold in range(FOLDS)]


def _wrong(folder: Pool, train: Sequence[int], held: Sequence[int]) -> NDArray[np.float64]:
    labels = torch.from_numpy(folder.labels)
    head = fit_head(folder.features[list(train)], labels[list(train)], num_classes=int(labels.max()) + 1)
    answers = (folder.features[list(held)] @ head.weight.T + head.bias).argmax(1)
    return (answers != labels[list(held)]).numpy().astype(np.float64)


def main() -> None:
    """Print a line for each folder, and a table in the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folders", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    pools: dict[str, Pool] = {}
    came = []
    for number in range(asked.first, asked.first + asked.folders):
        name, classes = PLANS[number % len(PLANS)]
        if name not in pools:
            pools[name] = mnist() if name == "mnist" else photos(name)
        label, folder = draw(pools[name], name, classes, number)
        came.append(judge(label, folder, asked.factor, number))
        print(_row(came[-1]), flush=True)
    flags = f"--folders {asked.folders} --first {asked.first} --factor {asked.factor}"
    text = _page(came, asked.factor, flags)
    print(text)
    if asked.out:
        asked.out.write_text(text)


def _row(each: Came) -> str:
    now, gain = f"{100 * each.now:.1f}", f"{100 * each.gain:+.1f} ± {100 * each.spread:.1f}"
    if isinstance(each.forecast, str):
        return f"| {each.folder} | {now} | {each.forecast} | {gain} | | | {100 * each.accuracy:.1f} | |"
    found = each.forecast
    low, high = found.interval
    worst, best = found.accuracy_interval
    said = f"{100 * found.gain:+.1f} ({100 * low:.1f} to {100 * high:.1f})"
    said += "" if found.says else ", cannot say"
    return (
        f"| {each.folder} | {now} | {said} | {gain} | {_yes(each.is_gain_inside)} | "
        f"{100 * worst:.1f}–{100 * best:.1f} | {100 * each.accuracy:.1f} | {_yes(each.is_accuracy_inside)} |"
    )


def _yes(is_inside: bool) -> str:
    return "yes" if is_inside else "**no**"


def _page(came: Sequence[Came], factor: int, flags: str) -> str:
    made = [each for each in came if isinstance(each.forecast, Forecast)]
    off = [abs(each.forecast.gain - each.gain) for each in made if isinstance(each.forecast, Forecast)]
    says = sum(each.forecast.says for each in made if isinstance(each.forecast, Forecast))
    part = {2: "half", 4: "a quarter"}.get(factor, f"1/{factor}")
    return "\n".join(
        [
            f"# Forecasts from {part} of a folder",
            "",
            f"{date.today()}, by `python benchmarks/diagnosis/forecasts.py {flags}`.",
            "",
            f"- The accuracy of the whole lies in the forecast's 90 % interval in "
            f"{_share([each.is_accuracy_inside for each in made])}.",
            f"- The gain lies in its 90 % interval in {_share([each.is_gain_inside for each in made])}. What "
            "came is known to ± its standard error, by which the interval is widened.",
            f"- The forecast gain is off by {100 * np.mean(off):.2f} points on average; that nothing is "
            f"gained would be off by {100 * np.mean([abs(each.gain) for each in made]):.2f}.",
            f"- {says} of {len(came)} forecasts are narrow enough to be said; the others cannot say.",
            "",
            "| folder | accuracy of the part, % | forecast gain, points | gain that came | inside | "
            "accuracy forecast, % | accuracy of the whole, % | inside |",
            "|---|---|---|---|---|---|---|---|",
            *map(_row, came),
            "",
        ]
    )


def _share(held: Sequence[bool]) -> str:
    found = Proportion(sum(held), len(held))
    low, high = found.interval
    return f"{sum(held)} of {len(held)} folders (95 % interval {100 * low:.0f}–{100 * high:.0f} %)"


if __name__ == "__main__":
    main()
