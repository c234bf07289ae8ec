"""The report's tables: class by class, the data, the configuration, the environment."""

import math
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.evaluation.corrected import said_both_ways
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion
from convscope.report.page.material import Material
from convscope.report.wording import number, percent
from convscope.wording import duration

Row = tuple[str, str]

_MANY = 20  # more classes than one looks up by name


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A class: how many of its images are found, and how many of those given its name are of it."""

    name: str
    train: str
    recall: Proportion
    precision: Proportion
    missed: str = ""
    """The cell of the matrix that holds most of its images that were taken for another class; or empty."""
    mistaken: str = ""
    """The cell that holds most of the others that were taken for it; or empty."""


@dataclass(frozen=True, kw_only=True)
class ClassTable:
    """Class by class."""

    rows: tuple[ClassRow, ...]
    lowest: float
    """Where the drawn scale begins, 0 to 1; it ends at 1."""
    overall: float


def class_table(material: Material, judged: Predictions) -> ClassTable:
    """The recall and precision of each class, with intervals; of many classes the least recognised first."""
    counts = judged.confusion.counts
    given = (material.dataset.get("class_counts") or {}).get("train") or []
    rows = []
    for index, name in enumerate(judged.class_names):
        right = int(counts[index, index])
        rows.append(
            ClassRow(
                name=name,
                train=f"{given[index]:,}" if index < len(given) else "–",
                recall=Proportion(right, int(counts[index].sum())),
                precision=Proportion(right, int(counts[:, index].sum())),
                missed=_fullest(counts[index], index, f"cell-{index}-{{}}"),
                mistaken=_fullest(counts[:, index], index, f"cell-{{}}-{index}"),
            )
        )
    if len(rows) > _MANY:
        rows.sort(key=lambda row: (row.recall.value if row.recall.n else 2.0, row.name))
    lowest = min((row.recall.interval[0] for row in rows if row.recall.n), default=0.0)
    return ClassTable(rows=tuple(rows), lowest=math.floor(lowest * 10) / 10, overall=judged.accuracy.value)


def _fullest(counts: NDArray[np.int64], own: int, anchor: str) -> str:
    others = counts.copy()
    others[own] = 0
    return anchor.format(int(others.argmax())) if others.any() else ""


def figures(material: Material) -> list[Row]:
    """The handful of numbers under the conclusion."""
    summary = material.summary
    rows: list[Row] = []
    for split in ("test", "validation"):
        if split in material.predictions:
            name = "held out" if material.predictions[split].folds else split
            rows.append((name, _split_figure(material, split)))
            if split == "test":
                rows += _as_labelled(summary)
            loss = (summary.get(split) or {}).get("loss")
            if loss is not None:
                rows.append((f"{name} loss", number(loss)))
    chance = (summary.get("untrained") or {}).get("chance_loss")
    if chance is not None:
        rows.append(("loss by chance", number(chance)))
    network = summary.get("network") or (material.config.get("network") or {}).get("name")
    if network:
        rows.append(("network", str(network)))
    if summary.get("parameters") is not None:
        rows.append(("parameters", f"{summary['parameters']:,}"))
    if summary.get("steps") is not None:
        epochs = f" in {number(summary['epochs'], 3)} epochs" if summary.get("epochs") else ""
        rows.append(("steps", f"{summary['steps']:,}{epochs}"))
    seconds = (summary.get("seconds") or {}).get("train")
    if seconds is not None:
        rows.append(("training time", duration(seconds)))
    return rows


def data_rows(material: Material) -> list[Row]:
    """What the images are, and how they were divided."""
    dataset = material.dataset
    rows: list[Row] = []
    if dataset.get("source"):
        rows.append(("source", str(dataset["source"])))
    if dataset.get("sizes"):
        rows.append(("images", " · ".join(f"{size:,} {split}" for split, size in dataset["sizes"].items())))
    rows += _corrected(dataset)
    image = dataset.get("image") or {}
    if image:
        colour = "grey" if image.get("channels") == 1 else "colour"
        rows.append(("each image", f"{image.get('width')} × {image.get('height')} pixels, {colour}"))
    if material.class_names and not material.is_regression:
        rows.append(("classes", _balance(material)))
    if dataset.get("fingerprint"):
        rows.append(("fingerprint", str(dataset["fingerprint"])))
    return rows


def nested_rows(values: dict[str, Any]) -> list[Row]:
    """A configuration or environment as rows: "training.epochs" and its value; what is not set stays out."""
    return [(name, number(value)) for name, value in _leaves(values, "") if value is not None]


def environment_rows(material: Material) -> list[Row]:
    """Versions and machine; the command and the seed stand elsewhere."""
    kept = {name: value for name, value in material.environment.items() if name not in ("command", "seed")}
    return [(name.removeprefix("packages."), value) for name, value in nested_rows(kept)]


def command(material: Material) -> str:
    """The command that makes the run again, as one would type it."""
    given = material.environment.get("command") or []
    if isinstance(given, str):
        return given
    words = [str(word) for word in given]
    if words and words[0].rpartition("/")[2] in {"convscope", "__main__.py", "main.py"}:
        words[0] = "convscope"
    return shlex.join(words)


def _as_labelled(summary: dict[str, Any]) -> list[Row]:
    """The test's figure by the labels of the source, where some were corrected."""
    figures = (summary.get("corrections") or {}).get("figures")
    return [] if figures is None else [("as labelled", " ".join(said_both_ways(figures)))]


def _corrected(dataset: dict[str, Any]) -> list[Row]:
    """How many labels were corrected, by split; which ones is in the run's corrections.csv."""
    counts = Counter(each["split"] for each in dataset.get("corrected") or ())
    if not counts:
        return []
    return [("corrected", " · ".join(f"{count:,} {split}" for split, count in counts.items()))]


def _split_figure(material: Material, split: str) -> str:
    found = material.predictions[split]
    if material.is_regression:
        error = found.regression.mean_absolute_error
        ends = "–".join(number(end, 3) for end in error.interval)
        return f"off by {number(error.value, 3)} ({ends}), n = {error.n:,}"
    accuracy = found.accuracy
    low, high = accuracy.interval
    return f"{percent(accuracy.value)} ({100 * low:.1f}–{100 * high:.1f}), n = {accuracy.n:,}"


def _balance(material: Material) -> str:
    names = material.class_names
    counts = (material.dataset.get("class_counts") or {}).get("train") or []
    if len(counts) != len(names):
        return f"{len(names)}"
    few, many = min(counts), max(counts)
    rare, common = names[counts.index(few)], names[counts.index(many)]
    if few == many:
        return f"{len(names)}, {many:,} training images each"
    ratio = f", {many / few:.1f} times as many" if few else ""
    return f"{len(names)}; rarest {rare} ({few:,}), most frequent {common} ({many:,}{ratio})"


def _leaves(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", " ".join(str(each) for each in value)
        else:
            yield f"{prefix}{name}", value
