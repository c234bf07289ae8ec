"""The values on their way through the network: how they are spread, and how they drifted while it learned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convscope.inspection.signals.dead_units import DeadUnits, dead_units
from convscope.inspection.signals.histograms import LayerHistograms, layer_histograms
from convscope.looking.plan import Plan
from convscope.looking.subject import Subject, spread
from convscope.runs.records import Record

_IMAGES = 256
_IMAGES_HEAVY = 64
_MOST_DRIFTING = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Signals:
    """The values of every layer over some training images.

    Attributes:
        histograms: of each layer's values before its non-linearity, of the logits and the probabilities.
        dead: by layer, the units that never fire.
        images: over how many training images.
        has_classes: whether the network answers with classes, so that it has probabilities.
    """

    histograms: LayerHistograms
    dead: dict[str, DeadUnits]
    images: int
    has_classes: bool = True


def images_measured(is_heavy: bool) -> int:
    """Over at most how many training images."""
    return _IMAGES_HEAVY if is_heavy else _IMAGES


def measure_signals(subject: Subject, plan: Plan) -> Signals:
    """One pass for the histograms, one for the dead units."""
    train = subject.dataset.train
    rows = spread(len(train), images_measured(plan.is_heavy))
    images = subject.standardised(subject.images(train, rows))
    return Signals(
        histograms=layer_histograms(
            subject.network, images, batch_size=32, temperature=subject.classifier.target.temperature
        ),
        dead={each.layer: each for each in dead_units(subject.network, images, batch_size=32)},
        images=len(rows),
        has_classes=bool(subject.class_names),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Drift:
    """How the values of some layers drifted: the standard deviation of each at each recorded step."""

    steps: tuple[int, ...]
    deviations: dict[str, tuple[float, ...]]


def measure_drift(records: Sequence[Record]) -> Drift:
    """The drift of layers spread evenly over the network, the logits last; for --record-histograms."""
    names = [layer["name"] for layer in records[0]["layers"]]
    places = np.unique(np.linspace(0, len(names) - 1, _MOST_DRIFTING).round().astype(int)).tolist()
    return Drift(
        steps=tuple(int(record["step"]) for record in records),
        deviations={
            names[place]: tuple(
                float(layer["std"])
                for record in records
                for layer in record["layers"]
                if layer["name"] == names[place]
            )
            for place in places
        },
    )
