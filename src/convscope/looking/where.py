"""Where in an image does the network look for a class, and can the picture be believed?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.errors import UsageError
from convscope.inspection.class_evidence.attribution import (
    IntegratedGradients,
    integrated_gradients,
    occlusion,
)
from convscope.inspection.class_evidence.class_maps import ClassMapMethod, class_maps
from convscope.inspection.class_evidence.sanity import SanityCheck, check_class_maps
from convscope.looking.plan import MapLayer, layer_for_class_maps
from convscope.looking.subject import Looked, Subject

MOST_MISSED = 0.2
"""Of the change of score: integrated gradients that miss more are not to be believed."""

STEPS = 24
"""Points on the way from the mean colour to the image, at which gradients are integrated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One row of the picture: an image, and the class that is asked about."""

    looked: Looked
    target: int


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenWhere:
    """What the methods say of N cases.

    Attributes:
        cases: images, and the class asked about.
        methods: how the maps were made.
        maps: (methods, N, H, W): positive where a pixel speaks for the class, negative where it speaks
            against it, as class maps cannot.
        outputs: (N,), the probability of the class asked about, or the number answered.
        missed: (N,), the share of the change of score that integrated gradients do not account for.
        sanity: whether the class map depends on the weights; None for a network without maps.
        layer: that the class map is of; empty without.
        without_map: why there is no class map; empty with one.
        class_names: in index order; empty where the network answers with a number.
        beside: (methods, N), whether a map is strongest in the padding that the image was given.
    """

    cases: tuple[Case, ...]
    methods: tuple[str, ...]
    maps: NDArray[np.float32]
    outputs: NDArray[np.float64]
    missed: NDArray[np.float64]
    sanity: SanityCheck | None
    layer: str
    class_names: tuple[str, ...]
    beside: NDArray[np.bool_]
    without_map: str = ""


def cases_for(subject: Subject, images: Sequence[Looked], class_name: str | None = None) -> list[Case]:
    """Each image for the class that the network sees in it, and for another.

    The other is the class named; or else the true one where the network is wrong, and nothing where it is
    right or the truth is not known.
    """
    outputs = subject.classifier.logits(torch.stack([looked.pixels for looked in images]))
    cases = []
    for looked, row in zip(images, outputs, strict=True):
        predicted = int(row.argmax())
        named = looked.label if class_name is None else subject.class_index(class_name)
        targets = [predicted] if named is None or named == predicted else [predicted, named]
        cases += [Case(looked=looked, target=target) for target in targets]
    return cases


def see_where(subject: Subject, cases: Sequence[Case], *, is_heavy: bool = False) -> SeenWhere:
    """A class map where the network has one, integrated gradients and occlusion, for each case."""
    images = subject.standardised(torch.stack([case.looked.pixels for case in cases]))
    classes = [case.target for case in cases]
    methods: list[str] = []
    maps: list[NDArray[np.float32]] = []
    sanity = None
    layer, without_map = _map_layer(subject)
    if layer is not None:
        method, sanity = _class_map_method(subject, images, layer)
        methods.append(method)
        found = class_maps(subject.network, images, method=method, classes=classes, layer=layer.name)
        maps.append(found.maps)
    gradients = integrated_gradients(subject.network, images, classes=classes, steps=STEPS)
    window, stride = _window(subject, is_heavy)
    covered = occlusion(subject.network, images, classes=classes, window=window, stride=stride)
    stacked = np.stack([*maps, gradients.maps, covered.maps]).astype(np.float32)
    return SeenWhere(
        cases=tuple(cases),
        methods=(*methods, "integrated gradients", "occlusion"),
        maps=stacked,
        beside=_strongest_beside(subject, stacked, cases),
        outputs=_outputs(subject, cases),
        missed=_missed(gradients),
        sanity=sanity,
        layer="" if layer is None else layer.name,
        class_names=subject.class_names,
        without_map=without_map,
    )


def windows(subject: Subject, is_heavy: bool) -> int:
    """How many places of an image are covered, one after the other."""
    stride = _window(subject, is_heavy)[1]
    return math.prod(math.ceil(side / stride) for side in subject.image_shape[1:])


def _window(subject: Subject, is_heavy: bool) -> tuple[int, int]:
    """Side and stride of what covers an image: half over each other, where there is time."""
    window = max(1, min(subject.image_shape[1:]) // 5)
    return window, window if is_heavy else max(1, window // 2)


def _strongest_beside(
    subject: Subject, maps: NDArray[np.float32], cases: Sequence[Case]
) -> NDArray[np.bool_]:
    """For each map whether its strongest tenth lies, for the most part, in padding."""
    found = np.zeros(maps.shape[:2], dtype=bool)
    if subject.classifier.preprocessing.fit != "pad":
        return found
    for place, case in enumerate(cases):
        padding = padding_of(np.asarray(case.looked.pixels.numpy()))
        for method, heat in enumerate(maps[:, place]):
            strongest = np.maximum(heat, 0)
            strongest = np.where(strongest >= np.quantile(strongest, 0.9), strongest, 0)
            found[method, place] = strongest[padding].sum() > 0.5 * max(float(strongest.sum()), 1e-12)
    return found


def padding_of(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where an image (C, H, W) was padded, (H, W): bands of one colour on two opposite sides, alike in width.

    Images whose four sides are of one colour, as drawings are, count as not padded.
    """
    height, width = pixels.shape[1:]
    shown = np.zeros((height, width), dtype=bool)
    rows, columns = (_bands((pixels == pixels[:, :1, :1]).all(axis=(0, axis))) for axis in (2, 1))
    if min(rows) > 0 and min(columns) == 0 and abs(rows[0] - rows[1]) <= 1:
        shown[: rows[0]] = shown[height - rows[1] :] = True
    if min(columns) > 0 and min(rows) == 0 and abs(columns[0] - columns[1]) <= 1:
        shown[:, : columns[0]] = shown[:, width - columns[1] :] = True
    return shown


def _bands(is_plain: NDArray[np.bool_]) -> tuple[int, int]:
    """How many lines in a row are plain at the beginning, and at the end; none where all are."""
    if is_plain.all():
        return 0, 0
    return int((~is_plain).argmax()), int((~is_plain)[::-1].argmax())


def _missed(gradients: IntegratedGradients) -> NDArray[np.float64]:
    """How far the pixels' sum is from the change of score, as a share of it; (N,)."""
    error = np.abs(gradients.completeness_error.astype(np.float64))
    change = np.abs(gradients.score_change.astype(np.float64))
    without_change = np.where(error == 0, 0.0, np.inf)
    return np.divide(error, change, out=without_change, where=change > 0)


def _class_map_method(
    subject: Subject, images: Tensor, layer: MapLayer
) -> tuple[ClassMapMethod, SanityCheck]:
    """Grad-CAM where its channels are averaged, LayerCAM elsewhere; the other one if that fails the check."""
    order: tuple[ClassMapMethod, ...] = ("grad-cam", "layer-cam")
    checks = {}
    for method in order if layer.is_pooled_globally else order[::-1]:
        checks[method] = check_class_maps(subject.network, images, method=method, layer=layer.name)
        if checks[method].depends is not False:
            return method, checks[method]
    return next(iter(checks.items()))


def _map_layer(subject: Subject) -> tuple[MapLayer | None, str]:
    """The layer; or why there is none, where the other methods must do."""
    try:
        return layer_for_class_maps(subject), ""
    except UsageError as error:
        return None, str(error).partition(". ")[0]


def _outputs(subject: Subject, cases: Sequence[Case]) -> NDArray[np.float64]:
    """What the network says: the probability of the class asked about; (N,), or its number."""
    images: Tensor = torch.stack([case.looked.pixels for case in cases])
    outputs = subject.classifier.logits(images).double()
    if not subject.class_names:
        return np.asarray(outputs[:, 0].numpy())
    targets = torch.tensor([case.target for case in cases])
    return np.asarray(outputs.softmax(1).gather(1, targets[:, None])[:, 0].numpy())
