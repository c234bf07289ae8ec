"""Images as points in a plane, drawn."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.diagnosis import pictures as rules
from convscope.inspection.planes import PlaneMethod
from convscope.looking.plane import SeenPlane
from convscope.looking.subject import SPLIT_NAMES
from convscope.report.paper.canvas import picture_of
from convscope.report.pictures.answer import Answer, Sprite, together
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.points import point_sheet

_NAMES: dict[PlaneMethod, str] = {"pca": "PCA", "t-sne": "t-SNE"}


def draw_plane(seen: SeenPlane, class_names: tuple[str, ...]) -> Answer:
    """The images as points in two dimensions, coloured by class, errors marked."""
    laid, method, split = seen.laid, seen.laid.method, SPLIT_NAMES[seen.split]
    wrong = int((seen.predicted != seen.labels).sum())
    findings = rules.plane(seen)
    says = (
        "Principal components: distances are true as far as the plane shows them"
        if method == "pca"
        else "t-SNE: who is near whom; the distance between groups means nothing"
    )
    near = seen.neighbours
    heading = f"{len(laid.points):,} {split} images by what goes into {seen.layer}, {_NAMES[method]}"
    return Answer(
        about="plane",
        name=f"plane-{method}",
        title=f"The {split} images as the last layer sees them ({_NAMES[method]})",
        question=f"Does the network keep the classes apart? {says}.",
        findings=findings,
        layer=seen.layer,
        picture=Picture(
            array=laid.points,
            drawing=point_sheet(
                laid.points,
                seen.labels,
                seen.predicted,
                class_names,
                said=_said(seen, class_names),
                heading=heading,
                notes=(f"{says}.", "× taken for another class, in the colour of its own"),
            ),
            alt=f"{len(laid.points):,} {split} images as points, coloured by class; {wrong} errors",
            caption=together(findings),
        ),
        sprite=_sprite(seen.pixels),
        numbers={
            "method": method,
            "split": seen.split,
            "images": len(laid.points),
            "errors": wrong,
            "neighbours_of_own_class": None if near is None else near.share,
            "neighbours_by_chance": None if near is None else near.by_chance,
            "neighbours_at_most": None if near is None else near.most,
            "explained_variance": laid.explained_variance,
        },
    )


def _said(seen: SeenPlane, class_names: tuple[str, ...]) -> list[str]:
    """Of each point the image's name, its class, and what it was taken for."""
    lines = []
    for name, label, answer in zip(seen.ids, seen.labels.tolist(), seen.predicted.tolist(), strict=True):
        taken = "recognised" if label == answer else f"taken for {class_names[answer]}"
        lines.append(f"{class_names[label]}, {taken} · {name}")
    return lines


def _sprite(pixels: NDArray[np.uint8]) -> Sprite:
    """All images on one, row by row."""
    height, width = pixels.shape[2:]
    columns = math.ceil(math.sqrt(len(pixels)))
    sheet = Image.new("RGB", (columns * width, math.ceil(len(pixels) / columns) * height))
    for place, image in enumerate(pixels):
        sheet.paste(picture_of(image), (place % columns * width, place // columns * height))
    return Sprite(image=sheet, columns=columns, size=(width, height))
