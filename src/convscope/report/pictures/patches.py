"""What excites units, and what in it does, drawn."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.diagnosis import pictures as rules
from convscope.inspection.patches.patch_projections import PatchProjections
from convscope.inspection.patches.top_patches import TopPatches
from convscope.looking.patches import Excitation, Projected
from convscope.networks.following.receptive_fields import ReceptiveField
from convscope.report.pictures.answer import Answer, file_name, together
from convscope.report.pictures.grids import around_grey, patch_sheet
from convscope.report.pictures.notebook import Picture
from convscope.wording import rounded, some

_BESIDE_THE_IMAGE = 200  # grey, where a receptive field sticks out of the image


def draw_patches(excitation: Excitation) -> Answer:
    """The nine patches for each unit."""
    patches = excitation.patches
    pictures = patch_pictures(patches)
    names = [f"unit {unit}" for unit in patches.units.tolist()]
    count = pictures.shape[1]
    heading = f"{patches.layer}: the {_spelt(count)}, of {patches.seen:,} images, that excite a unit most"
    findings = rules.patches(excitation)
    return Answer(
        about="patches",
        name=file_name("patches", patches.layer),
        title=f"What excites the units of {patches.layer}",
        question="Which parts of the training images make each unit answer most?",
        findings=findings,
        layer=patches.layer,
        picture=Picture(
            array=pictures,
            drawing=patch_sheet(
                pictures,
                None,
                names,
                details=_details(excitation),
                heading=heading,
                notes=_notes(excitation),
            ),
            alt=f"For {some(len(names), 'unit')} of {patches.layer} the strongest patches",
            caption=together(findings),
        ),
        numbers=_numbers(excitation),
    )


def draw_projection(seen: Projected) -> Answer:
    """Patches and, beside them, what in them excites the unit: by deconvnet, or else guided backprop."""
    patches = seen.excitation.patches
    pictures, signals = patch_pictures(patches), _signals(seen.projections)
    names = [f"unit {unit}" for unit in patches.units.tolist()]
    method = rules.projection_method(seen)
    heading = f"{patches.layer}: patches, and what in each excites the unit, by {method}"
    findings = rules.projection(seen)
    return Answer(
        about="projection",
        name=file_name("projection", patches.layer),
        title=f"What in those patches excites the units of {patches.layer}",
        question="Which pixels of each patch is it that the unit answers to? Mid-grey ones say nothing.",
        findings=findings,
        layer=patches.layer,
        picture=Picture(
            array=signals,
            drawing=patch_sheet(
                pictures,
                _visible(signals),
                names,
                heading=heading,
                notes=(*_notes(seen.excitation), "Beside them what excites the unit; mid-grey says nothing."),
            ),
            alt=f"For {some(len(names), 'unit')} of {patches.layer} the strongest patches and their "
            "projection to pixels",
            caption=together(findings),
        ),
        numbers=_numbers(seen.excitation)
        | {"method": seen.projections.method, "why_not_deconvnet": seen.reason or None},
    )


def _notes(excitation: Excitation) -> tuple[str, ...]:
    """Which units, and what no patch explains by itself."""
    patches = excitation.patches
    shown, of_all = len(patches.units), excitation.units_in_layer
    which = f"All {of_all} units" if shown == of_all else f"{shown} of {of_all} units"
    notes = [f"{which}, first those whose answers differ most between images."]
    if patches.padding.any():
        notes.append("Light grey lies outside the image.")
    return tuple(notes)


def _details(excitation: Excitation) -> list[tuple[str, ...]]:
    """Of each unit how strongly its patches excite it, and from which classes they are."""
    values = excitation.patches.values
    lines = []
    for row, answers in enumerate(values):
        line = [f"answers {rounded(float(answers.min()), 2)}–{rounded(float(answers.max()), 2)}"]
        if excitation.classes.size:
            line.append(_classes(Counter(excitation.classes[row].tolist()), excitation.class_names))
        lines.append(tuple(line))
    return lines


def _classes(counted: Counter[int], names: Sequence[str]) -> str:
    """`cat (5×) · kitten (4×)`; of more classes the most frequent alone: `7 (5 of 9)`."""
    if len(counted) == 2:
        return " · ".join(f"{names[label]} ({count}×)" for label, count in counted.most_common())
    ((label, count),) = counted.most_common(1)
    return f"{names[label]} ({count} of {counted.total()})"


def _spelt(count: int) -> str:
    """`nine patches`, `one patch`."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    said = words[count] if count < len(words) else str(count)
    return f"{said} patch" if count == 1 else f"{said} patches"


def patch_pictures(patches: TopPatches) -> NDArray[np.uint8]:
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


def projection_pictures(projections: PatchProjections) -> NDArray[np.uint8]:
    """The projections as pictures (U, k, C, h, w), each on its own scale; mid-grey says nothing."""
    return around_grey(_visible(_signals(projections)))


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


def _numbers(excitation: Excitation) -> dict[str, object]:
    patches = excitation.patches
    names = excitation.class_names
    classes = [
        {names[label]: count for label, count in Counter(row).most_common()}
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
