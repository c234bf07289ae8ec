"""What the page Try it shows: the pixels that the network sees, its answer, and the grounds for it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from markupsafe import Markup, escape
from numpy.typing import NDArray
from scipy.ndimage import affine_transform
from torch import Tensor

from convscope.classifier.prediction import Prediction, chance
from convscope.data.pixels.decoding import decode
from convscope.data.pixels.reading import PixelFormat, as_array, decode_and_judge, what_is_lost
from convscope.data.preprocessing import fit_image
from convscope.errors import ConvscopeError
from convscope.inspection.arithmetic.path import strongest_path
from convscope.inspection.class_evidence.class_maps import class_maps
from convscope.inspection.hidden_values import last_hidden_values
from convscope.looking.drawn import DrawnStyle, fit_drawing, measure_style
from convscope.looking.neighbours import find_neighbours
from convscope.looking.plan import layer_for_class_maps
from convscope.looking.subject import spread
from convscope.report.layers.pixels import heat_uri, image_uri
from convscope.report.layers.steps import steps_html
from convscope.serving.lens.lens import Lens

Source = Literal["file", "drawing", "pixels"]
"""A file as it is; a drawing, to be made like those of training; pixels that were seen before."""

NEAREST = 6
MOST_SHOWN = 10
"""Classes with a bar."""
STYLE_IMAGES = 400
"""Training images on which the way of drawing is measured."""
MOST_PIXELS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to the pixels before the network sees them.

    Attributes:
        right, down: how far the image is moved, in pixels.
        angle: degrees, clockwise.
        brightness: what the pixels are multiplied by.
        cover: left, top and side of a square that is covered; a side of 0 covers nothing.
    """

    right: float = 0.0
    down: float = 0.0
    angle: float = 0.0
    brightness: float = 1.0
    cover: tuple[int, int, int] = (0, 0, 0)

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return bool(self.right or self.down or self.angle)


class Trying:
    """Answers for one run. Nothing of what is sent is kept."""

    def __init__(self, lens: Lens) -> None:
        self._lens = lens

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of what the network sees."""
        return self._lens.subject.image_shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order; empty where the network answers with a number."""
        return self._lens.subject.class_names

    @property
    def style(self) -> DrawnStyle | None:
        """How the training images are drawn; None for photos, and where they are not here."""
        return self._lens.keep("style", "", 1, self._measure)

    def _measure(self) -> DrawnStyle | None:
        try:
            train = self._lens.subject.dataset.train
        except ConvscopeError:
            return None
        return measure_style(train.images[torch.from_numpy(spread(len(train), STYLE_IMAGES))].numpy())

    @property
    def ground(self) -> NDArray[np.float32]:
        """(C, 1, 1): the shade of what comes in from outside, and of a cover."""
        shape = (self._lens.subject.image_shape[0], 1, 1)
        if self.style is not None:
            return np.full(shape, self.style.ground, dtype=np.float32)
        mean = self._lens.classifier.preprocessing.mean.mean(dim=(1, 2)).expand(shape[0])
        return np.asarray(255 * mean.numpy(), dtype=np.float32).reshape(shape)

    def see(self, content: bytes, source: Source) -> tuple[NDArray[np.uint8], tuple[str, ...], str]:
        """The pixels (C, H, W) that the network sees of an image file, what was done, and what was lost.

        Raises:
            BrokenImage: for what is not an image.
        """
        classifier = self._lens.classifier.reading_up_to(
            min(self._lens.classifier.reading.max_pixels, MOST_PIXELS)
        )
        preprocessing = classifier.preprocessing
        style = self.style if source == "drawing" else None
        form = PixelFormat(preprocessing.size, preprocessing.channels, preprocessing.fit, classifier.reading)
        if style is None:
            image, lost = decode_and_judge(content, form)
            return as_array(image).copy(), () if source == "pixels" else _fitted_words(form), lost
        picture = decode(content, channels=preprocessing.channels, reading=classifier.reading)
        fitted = fit_drawing(picture, style, form.shape)
        if fitted is None:
            words = ("taken as it is: around what is drawn there is no plain ground", *_fitted_words(form))
            return as_array(fit_image(picture, form.size, form.fit)).copy(), words, what_is_lost(picture)
        return *fitted, what_is_lost(picture)

    def changed(self, pixels: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
        """The pixels after a change, (C, H, W)."""
        values = pixels.astype(np.float32)
        if change.moves:
            values = _moved(values, change, self.ground[:, 0, 0])
        if change.brightness != 1:
            values = values * change.brightness
        left, top, side = change.cover
        if side > 0:
            values[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = self.ground
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    def answer(self, pixels: NDArray[np.uint8], *, name: str, is_whole: bool) -> dict[str, Any]:
        """What the network says of pixels: the answer, and when whole where it looked and what is alike."""
        tensor = torch.from_numpy(pixels)
        (said,) = self._lens.classifier.predict_pixels([tensor], [name])
        found: dict[str, Any] = {
            "prediction": said.to_dict(),
            "said": _said(said),
            "bars": [
                {"name": each, "share": share, "words": chance(share)}
                for each, share in said.likeliest(MOST_SHOWN)
            ],
            "remarks": list(said.remarks),
            "pixels": image_uri(pixels),
        }
        if is_whole:
            found |= {"evidence": self._evidence(tensor, said), "nearest": self._nearest(tensor)}
        return found

    def path(self, pixels: NDArray[np.uint8]) -> Markup:
        """The answer step by step, from a pixel on, along what contributed most."""
        try:
            found = strongest_path(self._lens.trace(torch.from_numpy(pixels)))
        except ConvscopeError as error:
            return escape(str(error))
        return steps_html(found.steps, self._lens.shades)

    def _evidence(self, pixels: Tensor, said: Prediction) -> dict[str, str] | None:
        """Where the network looked for the class that it answers with."""
        subject = self._lens.subject
        if said.value is not None:
            return None
        target = subject.class_names.index(said.class_name)
        try:
            layer = layer_for_class_maps(subject)
            method: Any = "grad-cam" if layer.is_pooled_globally else "layer-cam"
            with self._lens.looking:
                image = subject.standardised(pixels[None])
                found = class_maps(subject.network, image, method=method, classes=target, layer=layer.name)
        except ConvscopeError:
            return None
        said_of = f"Red: what {layer.name} sees there speaks for {said.class_name}."
        return {"picture": heat_uri(pixels.numpy(), found.maps[0]), "says": said_of}

    def _nearest(self, pixels: Tensor) -> dict[str, Any] | None:
        """The training images that the last hidden layer sees as most alike."""
        lens, subject = self._lens, self._lens.subject
        try:
            index = lens.keep(
                "neighbours", "", 1, lens.looks(lambda: find_neighbours(subject, lens.searched))
            )
            with lens.looking:
                values = last_hidden_values(subject.network, subject.standardised(pixels[None])).values[0]
        except ConvscopeError:
            return None
        train = subject.dataset.train
        images = []
        for row, likeness in index.nearest(values, NEAREST):
            label = subject.class_names[int(train.labels[row])] if subject.class_names else ""
            picture = image_uri(np.asarray(train.images[row].numpy(), dtype=np.uint8))
            images.append({"picture": picture, "label": label, "likeness": round(likeness, 4)})
        says = f"Of {len(index.rows):,} training images the most alike in the last hidden layer."
        return {"images": images, "says": says}


def _said(said: Prediction) -> str:
    """The answer to go by."""
    answer = getattr(said, "answer", said.class_name)
    if answer is None:
        return "no answer"
    return said.class_name if said.value is not None else str(answer)


def _fitted_words(form: PixelFormat) -> tuple[str, ...]:
    ways = {"crop": "cropped to its centre and scaled", "squash": "squashed", "pad": "scaled and padded"}
    colour = ("made grey",) if form.channels == 1 else ()
    return (f"{ways[form.fit]} to {form.size[1]}×{form.size[0]} pixels, as in training", *colour)


def _moved(values: NDArray[np.float32], change: Change, ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turned about the middle, then shifted; what comes in from outside is ground."""
    angle = np.deg2rad(change.angle)
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(values.shape[1:]) - 1) / 2
    offset = middle - back @ (middle + np.array([change.down, change.right]))
    moved = [
        affine_transform(channel, back, offset=offset, order=1, cval=float(shade))
        for channel, shade in zip(values, ground, strict=True)
    ]
    return np.stack(moved)
