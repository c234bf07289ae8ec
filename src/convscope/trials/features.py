"""What excites a network's units, layer by layer (E19): the patches, and what in them does.

Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2013).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.errors import UsageError
from convscope.inspection.layers import find_layer
from convscope.looking.patches import Excitation, Projected, find_excitation, project_excitation
from convscope.looking.plan import spatial_convolutions, telling_units
from convscope.looking.subject import Subject, open_subject
from convscope.networks.following.receptive_fields import ReceptiveField, followed_fields

LAYERS = 4
UNITS = 6
UNITS_PROJECTED, PATCHES_PROJECTED = 4, 4
"""A projection costs as much as a pass and more; so many are enough to see by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerFeatures:
    """One layer.

    Attributes:
        excitation: its telling units' nine strongest patches.
        projected: of the first four units the first four, with what in them excites the unit.
    """

    excitation: Excitation
    projected: Projected

    @property
    def layer(self) -> str:
        """Its name."""
        return self.excitation.patches.layer

    @property
    def field(self) -> ReceptiveField:
        """What its units see."""
        return self.excitation.patches.field

    @property
    def same_class(self) -> float:
        """Mean share of a unit's patches that come from one class; nan where there are no classes."""
        classes = self.excitation.classes
        if not classes.size:
            return math.nan
        most = [Counter(row).most_common(1)[0][1] for row in classes.tolist()]
        return sum(most) / classes.size

    def to_dict(self) -> dict[str, Any]:
        """Its figures, for `--json` and result cards."""
        patches = self.excitation.patches
        return {
            "layer": self.layer,
            "sees": list(self.field.size),
            "units": patches.units.tolist(),
            "patches_of_each": patches.values.shape[1],
            "method": self.projected.projections.method,
            "same_class": None if math.isnan(self.same_class) else self.same_class,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """What was looked at: the run, its images, and the layers from the image to the answer."""

    network: str
    images: int
    layers: tuple[LayerFeatures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Its figures, without pixels."""
        return {
            "network": self.network,
            "images": self.images,
            "layers": [each.to_dict() for each in self.layers],
        }


def see_features(
    run: Path, layers: Sequence[str] = (), *, checkpoint: str = "final", limit: int | None = None
) -> Features:
    """The telling units of a few layers of a run's network, over its training images.

    Args:
        run: the run folder.
        layers: instead of four that `rising_layers` finds.
        checkpoint: final, last, best, untrained, or a step.
        limit: of training images; 10,000 unless given.

    Raises:
        UsageError: for a layer that does not exist, a limit below 1, or a network without convolutions.
        RunError: when there is no such run.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit: {limit} is not a number of images; it takes 1 and up")
    subject = open_subject(run, checkpoint)
    for name in layers:
        find_layer(subject.network, name)
    chosen = tuple(layers) or rising_layers(subject, LAYERS)
    units = telling_units(subject, chosen, UNITS)
    found = find_excitation(subject, units, limit)
    name = subject.run.config.network.name
    return Features(
        network=str(name),
        images=next(iter(found.values())).patches.seen,
        layers=tuple(_features_of(subject, found[layer]) for layer in chosen),
    )


def _features_of(subject: Subject, excitation: Excitation) -> LayerFeatures:
    few = excitation.of_first_units(UNITS_PROJECTED).of_first_patches(PATCHES_PROJECTED)
    return LayerFeatures(excitation=excitation, projected=project_excitation(subject, few))


def rising_layers(subject: Subject, count: int) -> tuple[str, ...]:
    """The first convolution, the last, and between them those that see evenly more: each so many times wider.

    Where it is not known what units see, layers are spread evenly instead.

    Raises:
        UsageError: for a network without convolutions.
    """
    names = spatial_convolutions(subject)
    if not names:
        raise UsageError("the network has no convolution, and so no patches; name a layer")
    fields = followed_fields(subject.network, subject.image_shape)
    known = [(name, field) for name in names if isinstance(field := fields.get(name), ReceptiveField)]
    if len(known) < len(names):
        places = range(min(count, len(names)))
        last = max(1, min(count, len(names)) - 1)
        return tuple(dict.fromkeys(names[round(place * (len(names) - 1) / last)] for place in places))
    widths = [math.log(math.prod(field.size)) for _, field in known]
    wanted = [widths[0] + (widths[-1] - widths[0]) * part / max(1, count - 1) for part in range(1, count - 1)]
    between = [min(range(len(widths)), key=lambda place: abs(widths[place] - width)) for width in wanted]
    places_in_order = sorted({0, *between, len(names) - 1})
    return tuple(names[place] for place in places_in_order)
