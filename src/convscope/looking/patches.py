"""What excites a unit most, and what in it does?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.dataset import ImageSet
from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.patches.patch_projections import PatchProjections, project_patches
from convscope.inspection.patches.top_patches import TopPatches, top_patches_of_layers
from convscope.looking.subject import Subject, spread
from convscope.networks.following.shapes import output_shapes
from convscope.wording import some
from convscope.work import counted

COUNT = 9
MOST_IMAGES = 10_000
UNITS = 15
UNITS_PROJECTED = 6

_BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Excitation:
    """The top patches of one layer.

    Attributes:
        patches: of each unit, the strongest first.
        classes: (U, k), the true class of the image that each is from; empty where there are no classes.
        class_counts: how many images of each class were searched.
        class_names: in index order.
        units_in_layer: of which those shown are the ones whose answers differ most from image to image.
    """

    patches: TopPatches
    classes: NDArray[np.int64]
    class_counts: NDArray[np.int64]
    class_names: tuple[str, ...]
    units_in_layer: int

    def of_first_units(self, count: int) -> "Excitation":
        """The same for the first units only."""
        part = {
            name: getattr(self.patches, name)[:count]
            for name in ("units", "values", "image_indices", "positions", "boxes", "padding")
        }
        return replace(self, patches=replace(self.patches, **part), classes=self.classes[:count])

    def of_unit(self, unit: int) -> "Excitation":
        """The same for one unit, by its number in the layer."""
        (rows,) = np.nonzero(self.patches.units == unit)
        part = {
            name: getattr(self.patches, name)[rows]
            for name in ("units", "values", "image_indices", "positions", "boxes", "padding")
        }
        return replace(self, patches=replace(self.patches, **part), classes=self.classes[rows])

    def of_first_patches(self, count: int) -> "Excitation":
        """The same for the strongest patches of each unit only."""
        part = {
            name: getattr(self.patches, name)[:, :count]
            for name in ("values", "image_indices", "positions", "boxes", "padding")
        }
        return replace(self, patches=replace(self.patches, **part), classes=self.classes[:, :count])


def find_excitation(
    subject: Subject, units: Mapping[str, Sequence[int] | None], limit: int | None = None
) -> dict[str, Excitation]:
    """The nine patches of the training split that excite each of these units (None: of all) most.

    At most `limit` images are looked at (10,000 unless given), evenly spread over the split.
    """
    train = subject.dataset.train
    rows = spread(len(train), MOST_IMAGES if limit is None else limit)
    found = top_patches_of_layers(
        subject.network, units, _stream(train, rows), subject.standardised, count=COUNT
    )
    names = subject.class_names
    labels = train.labels.numpy()[rows]
    counts = np.bincount(labels, minlength=len(names)) if names else np.empty(0, np.int64)
    shapes = output_shapes(subject.network, subject.image_shape)
    return {
        layer: Excitation(
            patches=patches,
            classes=labels[patches.image_indices] if names else np.empty((0, 0), np.int64),
            class_counts=counts,
            class_names=names,
            units_in_layer=shapes[layer][0],
        )
        for layer, patches in found.items()
    }


def _stream(images: ImageSet, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    starts = range(0, len(rows), _BATCH)
    sizes = [min(_BATCH, len(rows) - start) for start in starts]
    for start in counted(starts, f"searching {some(len(rows), 'image')}", weights=sizes):
        yield Subject.images(images, rows[start : start + _BATCH])


@dataclass(frozen=True, kw_only=True, eq=False)
class Projected:
    """Top patches, and what in them excites the unit.

    Attributes:
        excitation: the patches.
        projections: of each patch, back to pixels.
        reason: why it is guided backpropagation and no deconvnet; empty where it is one.
    """

    excitation: Excitation
    projections: PatchProjections
    reason: str


def project_excitation(subject: Subject, excitation: Excitation) -> Projected:
    """By deconvnet, or by guided backpropagation and the reason for it.

    Without max-pooling the deconvnet knows nothing of the image, and draws the same for every patch of a unit
    (Springenberg et al. 2014).
    """
    patches = excitation.patches
    reason = "without max-pooling the deconvnet has no switches to follow"
    if any("MaxPool" in type(module).__name__ for module in subject.network.modules()):
        try:
            projections = project_patches(subject.network, patches, subject.standardised)
            return Projected(excitation=excitation, projections=projections, reason="")
        except UsageError:
            raise
        except ConvscopeError as error:
            reason = str(error).partition(", so ")[0]
    projections = project_patches(subject.network, patches, subject.standardised, method="guided")
    return Projected(excitation=excitation, projections=projections, reason=reason)
