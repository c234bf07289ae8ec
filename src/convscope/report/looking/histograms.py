"""Do the values live on their way through the network, or do they explode, vanish, or die?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convscope.inspection.dead_units import DeadUnits, dead_units
from convscope.inspection.histograms import LayerHistograms, layer_histograms
from convscope.inspection.running_histogram import ValueHistogram
from convscope.report.charts.signals import Histogram, histogram_sheet, signal_chart
from convscope.report.looking.answer import Answer, percent, rounded
from convscope.report.looking.plan import Plan
from convscope.report.looking.subject import Subject, spread
from convscope.report.pictures.notebook import Picture

_IMAGES = 256
_IMAGES_HEAVY = 64
_MOST_HISTOGRAMS = 16
_MOST_ON_THE_CHART = 13
_MOST_BINS = 48
_LONGEST_NAME = 16
_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Signals:
    """The values of every layer over some training images."""

    histograms: LayerHistograms
    dead: dict[str, DeadUnits]
    images: int


def measure_signals(subject: Subject, plan: Plan) -> Signals:
    """One pass for the histograms, one for the dead units."""
    train = subject.dataset.train
    rows = spread(len(train), _IMAGES_HEAVY if plan.is_heavy else _IMAGES)
    images = subject.standardised(subject.images(train, rows))
    histograms = layer_histograms(subject.network, images, batch_size=32)
    dead = {each.layer: each for each in dead_units(subject.network, images, batch_size=32)}
    return Signals(histograms, dead, len(rows))


def histograms_of(subject: Subject, signals: Signals) -> Answer:
    """A histogram of each layer before its non-linearity, of the logits and of the probabilities."""
    found = signals.histograms
    layers = _spread_over(found.layers, _MOST_HISTOGRAMS)
    shown = [_drawn(each, signals.dead.get(each.name)) for each in layers]
    shown.append(_drawn(found.logits, None))
    if subject.class_names:
        shown.append(_drawn(found.probabilities, None))
    units = sum(len(each.dead) for each in signals.dead.values())
    dead = sum(int(each.dead.sum()) for each in signals.dead.values())
    finding = f"{dead:,} of {units:,} units never fire on {signals.images} images"
    zeros = {each.name: each.zero_share for each in found.layers if each.zero_share is not None}
    if zeros:
        most = max(zeros, key=lambda name: zeros[name])
        finding += f"; most zeros behind {most}: {percent(zeros[most])}"
    else:
        finding = f"no rectifier among its {len(found.layers)} non-linearities: nothing can die"
    counts = np.stack([np.pad(each.counts, (0, _MOST_BINS - len(each.counts))) for each in shown])
    return Answer(
        about="histograms",
        name="histograms",
        title="The values before each non-linearity, the scores and the probabilities",
        question="How are the values of each layer spread, and how many end as zero?",
        finding=finding,
        picture=Picture(
            array=counts,
            drawing=histogram_sheet(shown, columns=_COLUMNS),
            alt=f"Histograms of {len(layers)} layers, the logits and the probabilities. {finding}.",
        ),
        numbers={
            "images": signals.images,
            "layers": [_figures(each, signals.dead.get(each.name)) for each in found.layers],
            "logits": _figures(found.logits, None),
            "probabilities": _figures(found.probabilities, None),
        },
    )


def signal_of(signals: Signals) -> Answer:
    """The standard deviation of every layer's values, in the order of the pass."""
    found = signals.histograms
    layers = [*_spread_over(found.layers, _MOST_ON_THE_CHART), found.logits]
    deviations = [each.std for each in layers]
    growth = found.growth
    if growth is None:
        finding = "a layer's values are all alike, or not finite: the signal is lost"
    else:
        finding = f"standard deviation {rounded(deviations[0])} in the first layer, "
        finding += f"{rounded(deviations[-1])} in the logits: ×{growth:.2f} a layer"
    names = [_short(each.name) for each in layers]
    return Answer(
        about="histograms",
        name="signal",
        title="How large the values are, layer by layer",
        question="Does the signal keep its size on its way, or does it explode or vanish?",
        finding=finding,
        picture=Picture(
            array=np.array(deviations),
            drawing=signal_chart(names, deviations),
            alt=f"Standard deviation of each layer's values before its non-linearity. {finding}.",
        ),
        numbers={"growth": growth, "std": {each.name: each.std for each in (*found.layers, found.logits)}},
    )


def _drawn(found: ValueHistogram, dead: DeadUnits | None) -> Histogram:
    notes = []
    if found.zero_share is not None:
        notes.append(f"{percent(found.zero_share)} zero")
    if dead is not None and dead.dead.any():
        notes.append(f"{int(dead.dead.sum())} dead")
    if found.non_finite:
        notes.append("not finite")
    merged = Histogram(name=_short(found.name), edges=found.edges, counts=found.counts, note=", ".join(notes))
    while len(merged.counts) > _MOST_BINS:
        merged = _halved(merged)
    return merged


def _halved(histogram: Histogram) -> Histogram:
    """The same with pairs of bins made one, so that a drawing of it stays small."""
    counts = np.pad(histogram.counts, (0, len(histogram.counts) % 2)).reshape(-1, 2).sum(axis=1)
    width = histogram.edges[1] - histogram.edges[0]
    edges = histogram.edges[0] + 2 * width * np.arange(len(counts) + 1)
    return replace(histogram, edges=edges, counts=counts)


def _figures(found: ValueHistogram, dead: DeadUnits | None) -> dict[str, object]:
    return {
        "layer": found.name,
        "nonlinearity": found.nonlinearity,
        "mean": found.mean,
        "std": found.std,
        "minimum": found.minimum,
        "maximum": found.maximum,
        "not_finite": found.non_finite,
        "zero_share": found.zero_share,
        "dead_share": None if dead is None else dead.share,
    }


def _spread_over(layers: Sequence[ValueHistogram], most: int) -> list[ValueHistogram]:
    """The first, the last, and others evenly between them."""
    if len(layers) <= most:
        return list(layers)
    places = np.linspace(0, len(layers) - 1, most).round().astype(int)
    return [layers[place] for place in places.tolist()]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
