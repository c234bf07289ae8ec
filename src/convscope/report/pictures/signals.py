"""The values on their way through the network, drawn: histograms, their size by layer, and their drift."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convscope.diagnosis import signals as rules
from convscope.inspection.signals.dead_units import DeadUnits
from convscope.inspection.signals.running_histogram import ValueHistogram
from convscope.looking.signals import Drift, Signals
from convscope.report.charts.signals import Histogram, drift_chart, histogram_sheet, signal_chart
from convscope.report.pictures.answer import Answer, together
from convscope.report.pictures.notebook import Picture
from convscope.wording import percent

_MOST_HISTOGRAMS = 16
_MOST_ON_THE_CHART = 13
_MOST_BINS = 48
_LONGEST_NAME = 16
_COLUMNS = 3


def draw_histograms(signals: Signals) -> Answer:
    """A histogram of each layer before its non-linearity, of the logits and of the probabilities."""
    found = signals.histograms
    layers = _spread_over(found.layers, _MOST_HISTOGRAMS)
    shown = [_drawn(each, signals.dead.get(each.name)) for each in layers]
    shown.append(_drawn(found.logits, None))
    if signals.has_classes:
        shown.append(_drawn(found.probabilities, None))
    counts = np.stack([np.pad(each.counts, (0, _MOST_BINS - len(each.counts))) for each in shown])
    findings = rules.values(signals)
    ends = "the logits and the probabilities" if signals.has_classes else "the answer"
    return Answer(
        about="histograms",
        name="histograms",
        title="The values before each non-linearity, the scores and the probabilities",
        question="How are the values of each layer spread, and how many end as zero?",
        findings=findings,
        picture=Picture(
            array=counts,
            drawing=histogram_sheet(
                shown, columns=_COLUMNS, title="The values of each layer", says=_explained(shown, signals)
            ),
            alt=f"Histograms of {len(layers)} layers, {ends}",
            caption=together(findings),
        ),
        numbers={
            "images": signals.images,
            "layers": [_figures(each, signals.dead.get(each.name)) for each in found.layers],
            "logits": _figures(found.logits, None),
            "probabilities": _figures(found.probabilities, None),
        },
    )


def draw_signal(signals: Signals) -> Answer:
    """The standard deviation of every layer's values, in the order of the pass."""
    found = signals.histograms
    layers = [*_spread_over(found.layers, _MOST_ON_THE_CHART), found.logits]
    deviations = [each.std for each in layers]
    findings = rules.signal(signals)
    return Answer(
        about="histograms",
        name="signal",
        title="How large the values are, layer by layer",
        question="Does the signal keep its size on its way, or does it explode or vanish?",
        findings=findings,
        picture=Picture(
            array=np.array(deviations),
            drawing=signal_chart(
                [_short(each.name) for each in layers],
                deviations,
                title="How large the values of each layer are, before its non-linearity",
            ),
            alt="Standard deviation of each layer's values before its non-linearity",
            caption=together(findings),
        ),
        numbers={
            "growth": found.growth,
            "std": {each.name: each.std for each in (*found.layers, found.logits)},
        },
    )


def draw_drift(drift: Drift) -> Answer:
    """The standard deviation of some layers against the step."""
    findings = rules.drift(drift)
    return Answer(
        about="histograms",
        name="drift",
        title="How the values of each layer drifted while it learned",
        question="Do the values of a layer grow, shrink or stay while training goes on?",
        findings=findings,
        picture=Picture(
            array=np.array(list(drift.deviations.values()), dtype=np.float64),
            drawing=drift_chart(drift.steps, drift.deviations),
            alt=f"Standard deviation of {len(drift.deviations)} layers against the step",
            caption=together(findings),
        ),
        numbers={
            "steps": list(drift.steps),
            "deviations": {name: list(line) for name, line in drift.deviations.items()},
        },
    )


def nonlinearity_name(name: str) -> str:
    """`ReLU` for relu; others as they are called."""
    return {"relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU"}.get(
        name, name
    )


def _explained(shown: Sequence[Histogram], signals: Signals) -> list[str]:
    """What the words beside the names of the histograms mean."""
    lines = [f"Over {signals.images:,} training images; each histogram has a scale of its own."]
    notes = " ".join(each.note for each in shown)
    if "% zero" in notes:
        lines.append("Zero: the share that the ReLU behind the layer sets to zero.")
    if " dead" in notes:
        lines.append("Dead: units that are zero for every one of these images.")
    return lines


def _drawn(found: ValueHistogram, dead: DeadUnits | None) -> Histogram:
    notes = []
    if found.nonlinearity:
        notes.append(f"before {nonlinearity_name(found.nonlinearity)}")
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
