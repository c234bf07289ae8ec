"""What excites a unit most, and what in it does?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.dataset import ImageSet
from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.patch_projections import PatchProjections, project_patches
from convscope.inspection.top_patches import TopPatches, top_patches_of_layers
from convscope.networks.receptive_fields import ReceptiveField
from convscope.report.looking.answer import Answer, file_name, some
from convscope.report.looking.subject import Subject, spread
from convscope.report.pictures.grids import patch_sheet
from convscope.report.pictures.notebook import Picture

COUNT = 9
MOST_IMAGES = 10_000
UNITS = 15
UNITS_PROJECTED = 6

_BATCH = 64
_BESIDE_THE_IMAGE = 200  # grey, where a receptive field sticks out of the image


@dataclass(frozen=True, eq=False)
class Excitation:
    """The top patches of one layer, and the true class of the image that each is from."""

    patches: TopPatches
    classes: NDArray[np.int64]
    """(U, k); empty where the network answers with a number."""

    def of_first_units(self, count: int) -> "Excitation":
        """The same for the first units only."""
        part = {
            name: getattr(self.patches, name)[:count]
            for name in ("units", "values", "image_indices", "positions", "boxes", "padding")
        }
        return Excitation(replace(self.patches, **part), self.classes[:count])


def find_excitation(
    subject: Subject, units: Mapping[str, Sequence[int]], limit: int | None = None
) -> dict[str, Excitation]:
    """The nine patches of the training split that excite each of these units most, for all layers at once.

    At most `limit` images are looked at (10,000 unless given), evenly spread over the split.
    """
    train = subject.dataset.train
    rows = spread(len(train), MOST_IMAGES if limit is None else limit)
    found = top_patches_of_layers(
        subject.network, units, _stream(train, rows), subject.standardised, count=COUNT
    )
    labels = train.labels.numpy()[rows]
    return {
        layer: Excitation(
            patches, labels[patches.image_indices] if subject.class_names else np.empty((0, 0), np.int64)
        )
        for layer, patches in found.items()
    }


def _stream(images: ImageSet, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    for start in range(0, len(rows), _BATCH):
        yield Subject.images(images, rows[start : start + _BATCH])


def patches_of(subject: Subject, excitation: Excitation) -> Answer:
    """The nine patches for each unit."""
    patches = excitation.patches
    pictures = _patch_pictures(patches)
    names = [f"unit {unit}" for unit in patches.units.tolist()]
    heading = (
        f"{patches.layer}: for each unit the nine patches, of {patches.seen:,} images, that excite it most"
    )
    finding = _purest(subject, excitation)
    return Answer(
        about="patches",
        name=file_name("patches", patches.layer),
        title=f"What excites the units of {patches.layer}",
        question="Which parts of the training images make each unit answer most?",
        finding=finding,
        layer=patches.layer,
        picture=Picture(
            array=pictures,
            drawing=patch_sheet(pictures, None, names, heading=heading),
            alt=f"For {some(len(names), 'unit')} of {patches.layer} the nine strongest patches. {finding}.",
        ),
        numbers=_numbers(subject, excitation),
    )


def projection_of(subject: Subject, excitation: Excitation) -> Answer:
    """Patches and, beside them, what in them excites the unit: by deconvnet, or else guided backprop."""
    patches = excitation.patches
    projections, reason = _project(subject, patches)
    pictures, signals = _patch_pictures(patches), _signals(projections)
    names = [f"unit {unit}" for unit in patches.units.tolist()]
    method = "deconvnet" if projections.method == "deconvnet" else "guided backpropagation"
    heading = f"{patches.layer}: patches, and what in each excites the unit, by {method}"
    field = _field_words(patches.field)
    finding = f"{method}; each unit sees {field}" + (f"; {reason}" if reason else "")
    return Answer(
        about="projection",
        name=file_name("projection", patches.layer),
        title=f"What in those patches excites the units of {patches.layer}",
        question="Which pixels of each patch is it that the unit answers to? Mid-grey ones say nothing.",
        finding=finding,
        layer=patches.layer,
        picture=Picture(
            array=signals,
            drawing=patch_sheet(pictures, _visible(signals), names, heading=heading),
            alt=f"For {some(len(names), 'unit')} of {patches.layer} the nine strongest patches and their "
            f"projection to pixels. {finding}.",
        ),
        numbers=_numbers(subject, excitation)
        | {"method": projections.method, "why_not_deconvnet": reason or None},
    )


def _project(subject: Subject, patches: TopPatches) -> tuple[PatchProjections, str]:
    """By deconvnet, or by guided backpropagation and the reason for it.

    Without max-pooling the deconvnet knows nothing of the image, and draws the same for every patch of a unit
    (Springenberg et al. 2014).
    """
    if not any("MaxPool" in type(module).__name__ for module in subject.network.modules()):
        reason = "without max-pooling the deconvnet has no switches to follow"
    else:
        try:
            return project_patches(subject.network, patches, subject.standardised), ""
        except UsageError:
            raise
        except ConvscopeError as error:
            reason = str(error).partition(", so ")[0]
    return project_patches(subject.network, patches, subject.standardised, method="guided"), reason


def _patch_pictures(patches: TopPatches) -> NDArray[np.uint8]:
    """All patches at one size, (U, k, C, h, w): what lies beside the image is light grey."""
    units, count = patches.values.shape
    found = [[patches.patch(row, rank) for rank in range(count)] for row in range(units)]
    channels = found[0][0].shape[0]
    height, width = _common_size(patches.field)
    pictures = np.full((units, count, channels, height, width), _BESIDE_THE_IMAGE, dtype=np.uint8)
    for row in range(units):
        for rank in range(count):
            _place(pictures[row, rank], found[row][rank], patches.padding[row, rank])
    return pictures


def _signals(projections: PatchProjections) -> NDArray[np.float32]:
    """The projections at the size of the patches, (U, k, C, h, w): nothing beside the image."""
    patches = projections.patches
    units, count = patches.values.shape
    channels = projections.pixels[0][0].shape[0]
    signals = np.zeros((units, count, channels, *_common_size(patches.field)), dtype=np.float32)
    for row in range(units):
        for rank in range(count):
            _place(signals[row, rank], projections.pixels[row][rank], patches.padding[row, rank])
    return signals


def _visible(signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each projection cut at its 99th percentile: drawings are scaled to the largest, often one pixel."""
    limit = np.quantile(np.abs(signals), 0.99, axis=(2, 3, 4), keepdims=True)
    largest = np.abs(signals).max(axis=(2, 3, 4), keepdims=True)
    limit = np.where(limit > 0, limit, largest)
    return np.asarray(np.clip(signals, -limit, limit), dtype=np.float32)


def _common_size(field: ReceptiveField) -> tuple[int, int]:
    (height, width), (most_high, most_wide) = field.size, field.image_size
    return min(height, most_high), min(width, most_wide)


def _place(canvas: NDArray[Any], patch: NDArray[Any], padding: NDArray[np.int64]) -> None:
    """Lay a patch (C, h, w), cut at the image's border, where it stands in its receptive field."""
    height, width = patch.shape[1:]
    top = min(int(padding[0]), canvas.shape[1] - height)
    left = min(int(padding[1]), canvas.shape[2] - width)
    canvas[:, top : top + height, left : left + width] = patch


def _purest(subject: Subject, excitation: Excitation) -> str:
    """The unit whose patches agree most on a class."""
    patches = excitation.patches
    seen = f"each unit sees {_field_words(patches.field)}"
    if not excitation.classes.size or _is_small(patches.field):
        return f"{seen}, of {patches.seen:,} training images"
    agreeing = [Counter(row).most_common(1)[0] for row in excitation.classes.tolist()]
    best = max(range(len(agreeing)), key=lambda place: agreeing[place][1])
    label, count = agreeing[best]
    name = subject.class_names[label]
    of_all = excitation.classes.shape[1]
    return f"unit {patches.units[best]}: {count} of {of_all} patches are from images of '{name}'; {seen}"


def _is_small(field: ReceptiveField) -> bool:
    """Whether units see too little of an image for its class to mean anything."""
    return min(field.size[axis] / field.image_size[axis] for axis in (0, 1)) < 1 / 3


def _field_words(field: ReceptiveField) -> str:
    if field.stride == (0, 0) or (
        field.size[0] >= field.image_size[0] and field.size[1] >= field.image_size[1]
    ):
        return "the whole image"
    return f"{field.size[0]}×{field.size[1]} pixels"


def _numbers(subject: Subject, excitation: Excitation) -> dict[str, object]:
    patches = excitation.patches
    classes = [
        {subject.class_names[label]: count for label, count in Counter(row).most_common()}
        for row in excitation.classes.tolist()
    ]
    return {
        "images": patches.seen,
        "units": patches.units.tolist(),
        "values": patches.values.tolist(),
        "classes_of_patches": classes,
        "receptive_field": list(patches.field.size),
        "stride": list(patches.field.stride),
    }
