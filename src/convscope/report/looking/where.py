"""Where in an image does the network look for a class, and can the picture be believed?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from convscope.errors import UsageError
from convscope.inspection.attribution import integrated_gradients, occlusion
from convscope.inspection.class_maps import ClassMapMethod, class_maps
from convscope.inspection.sanity import SanityCheck, check_class_maps
from convscope.report.looking.answer import Answer, file_name, percent, rounded
from convscope.report.looking.plan import MapLayer, layer_for_class_maps
from convscope.report.looking.subject import Looked, Subject
from convscope.report.palette import sequential
from convscope.report.pictures.canvas import SMALL, ColourBar, Sheet, Tile, draw, enlarge, picture_of
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import overlay

_SIDE = 220
_STEPS = 24
_MOST_MISSED = 0.2
_NAMES: dict[ClassMapMethod, str] = {"grad-cam": "Grad-CAM", "layer-cam": "LayerCAM"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One row of the picture: an image, and the class that is asked about."""

    looked: Looked
    target: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Maps:
    """What the methods say of N cases: maps (methods, N, H, W), 0 and up, for the class asked about."""

    methods: tuple[str, ...]
    maps: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    completeness: float
    sanity: SanityCheck | None
    layer: str


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


def where_of(
    subject: Subject, cases: Sequence[Case], *, name: str = "", title: str, is_heavy: bool = False
) -> Answer:
    """One row for each case: the image, a class map, integrated gradients and occlusion laid over it."""
    found = _measure(subject, cases, is_heavy)
    tiles = []
    for place, case in enumerate(cases):
        pixels = np.asarray(case.looked.pixels.numpy(), dtype=np.uint8)
        words = _words(subject, case, float(found.probabilities[place]))
        tiles.append(Tile(picture=_tile(picture_of(pixels)), lines=words))
        for method, heat in zip(found.methods, found.maps[:, place], strict=True):
            tiles.append(Tile(picture=_tile(_laid_over(pixels, heat)), lines=(method,)))
    ramp = sequential(np.linspace(0, 1, 101), 0, 1)
    bar = ColourBar(
        colours=ramp, labels=("nothing", "most"), says="speaks for the class, relative to each map"
    )
    sheet = Sheet(
        tiles=tiles,
        columns=1 + len(found.methods),
        heading=title,
        bar=bar,
        text=SMALL,
        wide_after=frozenset({0}),
    )
    finding = _finding(found)
    return Answer(
        about="where",
        name=file_name("where", name),
        title=title,
        question="Which part of the image speaks for the class? Three methods; trust what they share.",
        finding=finding,
        layer=found.layer,
        picture=Picture(
            array=found.maps,
            drawing=draw(sheet),
            alt=f"{len(cases)} rows of an image and what {', '.join(found.methods)} lay over it. {finding}.",
        ),
        numbers=_numbers(subject, cases, found),
    )


def _tile(picture: Image.Image) -> Image.Image:
    """About 220 pixels wide, so that captions fit: by whole factors for small images, smooth for others."""
    if picture.width <= _SIDE // 3:
        return enlarge(picture, _SIDE)
    return picture.resize((_SIDE, _SIDE * picture.height // picture.width), Image.Resampling.BICUBIC)


def _laid_over(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> Image.Image:
    """Heat over a dimmed image; smoothed a little, and cut at the top, lest single pixels hide the rest."""
    smooth = gaussian_filter(heat, sigma=min(heat.shape) / 64)
    top = float(np.quantile(smooth, 0.995))
    return overlay((0.6 * pixels).astype(np.uint8), np.minimum(smooth, top) if top > 0 else smooth)


def _measure(subject: Subject, cases: Sequence[Case], is_heavy: bool) -> _Maps:
    images = subject.standardised(torch.stack([case.looked.pixels for case in cases]))
    classes = [case.target for case in cases]
    methods, maps = [], []
    sanity, layer = None, _map_layer(subject)
    if layer is not None:
        method, sanity = _class_map_method(subject, images, layer)
        methods.append(_NAMES[method])
        found = class_maps(subject.network, images, method=method, classes=classes, layer=layer.name)
        maps.append(found.maps)
    gradients = integrated_gradients(subject.network, images, classes=classes, steps=_STEPS)
    side = min(subject.image_shape[1:])
    window = max(1, side // 5)
    covered = occlusion(
        subject.network, images, classes=classes, window=window, stride=window if is_heavy else None
    )
    methods += ["integrated gradients", "occlusion"]
    maps += [gradients.maps, covered.maps]
    change = np.maximum(np.abs(gradients.score_change), 1e-6)
    return _Maps(
        methods=tuple(methods),
        maps=np.maximum(np.stack(maps), 0).astype(np.float32),
        probabilities=_probabilities(subject, cases),
        completeness=float(np.median(np.abs(gradients.completeness_error) / change)),
        sanity=sanity,
        layer="" if layer is None else layer.name,
    )


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


def _map_layer(subject: Subject) -> MapLayer | None:
    try:
        return layer_for_class_maps(subject)
    except UsageError:  # a network without maps: the other methods need none
        return None


def _probabilities(subject: Subject, cases: Sequence[Case]) -> NDArray[np.float64]:
    """What the network says: the probability of the class asked about; (N,), or its number."""
    images: Tensor = torch.stack([case.looked.pixels for case in cases])
    outputs = subject.classifier.logits(images).double()
    if not subject.class_names:
        return np.asarray(outputs[:, 0].numpy())
    targets = torch.tensor([case.target for case in cases])
    return np.asarray(outputs.softmax(1).gather(1, targets[:, None])[:, 0].numpy())


def _words(subject: Subject, case: Case, probability: float) -> tuple[str, ...]:
    if not subject.class_names:
        return (case.looked.name, f"says {rounded(probability)}")
    names, label = subject.class_names, case.looked.label
    what = case.looked.name if label is None else f"true: {names[label]}"
    return (what, f"why {names[case.target]}?", f"probability {percent(probability)}")


def _finding(found: _Maps) -> str:
    parts = []
    if found.sanity is not None:
        parts.append(f"{found.methods[0]}: {found.sanity.verdict}")
    warning = ", so trust them little here" if found.completeness > _MOST_MISSED else ""
    parts.append(f"integrated gradients miss {percent(found.completeness)} of the score{warning}")
    return "; ".join(parts)


def _numbers(subject: Subject, cases: Sequence[Case], found: _Maps) -> dict[str, Any]:
    names = subject.class_names
    numbers: dict[str, Any] = {
        "cases": [
            {
                "image": case.looked.name,
                "true": names[case.looked.label] if case.looked.label is not None else None,
                "class": names[case.target] if names else None,
                "probability" if names else "value": float(value),
            }
            for case, value in zip(cases, found.probabilities, strict=True)
        ],
        "integrated_gradients_completeness_error": found.completeness,
    }
    if found.sanity is not None:
        numbers["sanity_check"] = {
            "similarity": found.sanity.similarity.tolist(),
            "depends_on_the_weights": found.sanity.depends,
            "verdict": found.sanity.verdict,
        }
    return numbers
