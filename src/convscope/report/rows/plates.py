"""Which pictures belong to which reference experiment: from its runs to small files.

for plate in plates("mnist-two-conv", Path("runs/reproduce")):
    (folder / plate.name).write_bytes(plate.content)
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from convscope.benchmarking.comparing import compare_times
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.looking.filters import see_filters
from convscope.looking.plan import make_plan
from convscope.looking.signals import measure_signals
from convscope.looking.subject import open_subject, spread
from convscope.report.charts.progress import (
    AtStep,
    accuracy_at_steps_chart,
    few_and_all_chart,
    optimizer_chart,
)
from convscope.report.charts.timing import timing_charts
from convscope.report.charts.vector import to_svg
from convscope.report.paper.drawing import Drawing
from convscope.report.pictures.filters import draw_filters
from convscope.report.pictures.grids import image_grid
from convscope.report.rows.animation import Animation
from convscope.report.rows.features import features_plate
from convscope.report.rows.matrix import confusion_picture
from convscope.report.rows.race_map import race_map
from convscope.report.rows.race_surface import race_surface
from convscope.report.rows.values import values_plate
from convscope.runs.folder import CONFIG, Run
from convscope.trials.features import see_features
from convscope.trials.race.racing import race

MOST_BYTES = 100_000
"""Of one picture: they are kept beside the text that shows them."""

_QUALITIES = (88, 76, 64)
_SMALLEST = 64  # pixels of the longer side
_KEPT = "reproduction.json"  # figures that took long, in the run that they were measured on
_REPORTED = {0: 0.104, 1: 0.109, 100: 0.663, 1_000: 0.933, 10_000: 0.985}


@dataclass(frozen=True, kw_only=True)
class Plate:
    """One picture as a file: `<experiment>-<what it shows>.svg`, `.png` or `.html`."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a reproduction left.

    Attributes:
        reproductions: the folder that holds `<experiment>/seed-0`, as `convscope reproduce` leaves them.
        details: what its card holds beside the figures.
    """

    reproductions: Path
    details: Mapping[str, Any] = field(default_factory=dict)

    def run(self, experiment: str, name: str = "seed-0") -> Run | None:
        """A run of an experiment, if it is there."""
        path = self.reproductions / experiment / name
        return Run(path) if (path / CONFIG).is_file() else None


def plates(experiment: str, kept: Kept) -> Iterator[Plate]:
    """The pictures of an experiment, one by one; of those runs that are there, and none of others.

    Raises:
        RunError: when a run that is there is damaged.
    """
    draw = PICTURES.get(experiment)
    if draw is not None:
        for what, drawn in draw(kept):
            ending, content = _as_file(drawn)
            yield Plate(name=f"{experiment}-{what}{ending}", content=content)


Drawn = str | Image.Image
"""An SVG document or a page, or a picture of pixels."""

Named = Iterator[tuple[str, Drawn]]


def _race(kept: Kept) -> Named:
    raced = race()
    yield "map", race_map(raced)
    yield "surface", race_surface(raced)
    yield "animation", Animation(raced).page


def _values(kept: Kept) -> Named:
    names = {
        "mnist-conv4-bad-init": "N(0, 1): they explode",
        "mnist-conv4-tiny-init": "N(0, 1) × 0.01: they vanish",
        "mnist-conv4-good-init": "He and Xavier: they keep their size",
    }
    found = {said: run for name, said in names.items() if (run := kept.run(name))}
    signals = {}
    for said, run in found.items():
        subject = open_subject(run.path, "untrained")
        signals[said] = measure_signals(subject, make_plan(subject))
    if signals:
        yield "values-before-each-non-linearity", values_plate(signals)


def _optimizers(kept: Kept) -> Named:
    names = {
        "mnist-conv4-good-init": "gradient descent",
        "mnist-conv4-momentum": "momentum",
        "mnist-conv4-adam": "Adam",
    }
    found = {said: run for name, said in names.items() if (run := kept.run(name))}
    steps = min((_steps(run) for run in found.values()), default=0)
    records = {
        said: [record for record in run.metrics() if record["step"] <= steps] for said, run in found.items()
    }
    if len(records) > 1 and steps:
        yield "loss-by-steps-and-by-seconds", to_svg(optimizer_chart(records))


def _steps(run: Run) -> int:
    return max((record["step"] for record in run.metrics()), default=0)


def _milestones(kept: Kept) -> Named:
    experiment = "mnist-two-conv"
    moments = []
    for step, reported in _REPORTED.items():
        run = kept.run(experiment, f"seed-0-step-{step}")
        if run is None and (last := kept.run(experiment)) and _steps(last) == step:
            run = last
        judged = None if run is None else _judged(run)
        if judged is not None:
            moments.append(AtStep(step=step, measured=judged.accuracy, reported=reported))
    if moments:
        yield "accuracy-by-steps", to_svg(accuracy_at_steps_chart(moments))
    run = kept.run(experiment)
    judged = None if run is None else _judged(run)
    if run is not None and judged is not None:
        yield "confusion-matrix", confusion_picture(judged.confusion)
        if judged.errors:
            yield "first-errors", _first_errors(run, judged)
        subject = open_subject(run.path)
        for layer in make_plan(subject).filters:
            drawing = draw_filters(see_filters(subject, layer)).picture.drawing
            if isinstance(drawing, Drawing):
                yield f"filters-of-{layer}", drawing.raster()


def _first_errors(run: Run, judged: Predictions) -> Image.Image:
    images = open_subject(run.path).dataset.splits[judged.split]
    first = judged.errors[:9]
    pixels = images.images[torch.tensor([error.index for error in first])].numpy()
    return image_grid(
        np.asarray(pixels, dtype=np.uint8), [each.true for each in first], [each.predicted for each in first]
    ).raster()


def _few_images(kept: Kept) -> Named:
    run = kept.run("mnist-conv-dropout")
    if run is None or not run.has(_KEPT):
        return
    for figure in run.read(_KEPT)["figures"].values():
        if figure.get("course"):
            sizes = run.read("dataset.json")["sizes"]
            chart = few_and_all_chart(figure["course"], int(figure["images"]), int(sizes["validation"]))
            yield "validation-accuracy-of-few-images", to_svg(chart)


def _samples_of(experiment: str) -> Callable[[Kept], Named]:
    def draw(kept: Kept) -> Named:
        run = kept.run(experiment)
        if run is not None:
            train = open_subject(run.path).dataset.train
            labels = train.labels.numpy()
            classes = np.unique(labels)
            shown = classes[spread(len(classes), 6)]
            rows = [np.flatnonzero(labels == each)[place] for place in range(2) for each in shown.tolist()]
            names = open_subject(run.path).class_names
            words = [names[int(labels[row])] if names else f"{labels[row]:g}" for row in rows]
            pixels = np.asarray(train.images[torch.tensor(rows)].numpy(), dtype=np.uint8)
            yield "samples", image_grid(pixels, words, columns=len(shown)).raster()

    return draw


def _features(kept: Kept) -> Named:
    for what, run in (
        ("of-efficientnet-lite0-on-photos", kept.run("kittens")),
        ("of-vgg12-on-digits", kept.run("mnist-vgg12")),
    ):
        if run is not None:
            yield what, features_plate(see_features(run.path))


def _timing(kept: Kept) -> Named:
    if kept.details:
        yield "time-by-batch-size", to_svg(timing_charts(compare_times([kept.details])))


PICTURES: Mapping[str, Callable[[Kept], Named]] = {
    "optimizer-race": _race,
    "mnist-conv4-bad-init": _values,
    "mnist-conv4-adam": _optimizers,
    "mnist-two-conv": _milestones,
    "mnist-conv-dropout": _few_images,
    "counting-1-5": _samples_of("counting-1-5"),
    "counting-45-50": _samples_of("counting-45-50"),
    "counting-45-49-sizes": _samples_of("counting-45-49-sizes"),
    "counting-regression": _samples_of("counting-regression"),
    "vgg16-timing": _timing,
    "imagenet-features": _features,
}
"""By the experiment's name, what is drawn of it, under what name."""


def _judged(run: Run) -> Predictions | None:
    return read_predictions(run, "test") if has_predictions(run, "test") else None


def _as_file(drawn: Drawn) -> tuple[str, bytes]:
    """Ending and content."""
    if isinstance(drawn, Image.Image):
        return small_file(drawn)
    return (".html" if drawn.startswith("<!doctype") else ".svg"), drawn.encode()


def small_file(picture: Image.Image, most: int = MOST_BYTES) -> tuple[str, bytes]:
    """Ending and content, of at most so many bytes: an exact PNG if that is enough, else a WebP.

    Its quality falls first, and then its size.
    """
    content = _saved(picture, "PNG", optimize=True)
    if len(content) <= most:
        return ".png", content
    while True:
        for quality in _QUALITIES:
            content = _saved(picture, "WEBP", quality=quality, method=6)
            if len(content) <= most or max(picture.size) < _SMALLEST:
                return ".webp", content
        width, height = (max(1, side * 7 // 8) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
