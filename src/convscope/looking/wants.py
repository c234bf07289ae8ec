"""What would a unit, or a class, most like to see?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.layers import LayerTap
from convscope.inspection.unit_optimisation import ExcitationSettings, ExcitingImages, exciting_images
from convscope.looking.subject import Subject
from convscope.networks.following.receptive_fields import Box, ReceptiveField, followed_fields
from convscope.networks.following.shapes import output_shapes

MOST_CLASSES = 10
UNITS = 6

_STEPS = 64
_STEPS_HEAVY = 40
_STEP = 0.02  # of the way from black to white
_LARGE = 28  # pixels; who sees fewer may want each of them to differ from the next
_SMOOTHNESS = 0.4  # of neighbouring pixels, where what excites the unit has the weight 1


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenWants:
    """Images made to excite something.

    Attributes:
        found: standardised images, of the size that a unit sees, and the answers before and after.
        pixels: (n, C, h, w), the same as they would look, 0 to 1.
        names: of the units or classes, one each.
        of_units: whether they are units of a layer; else classes, or the number that the network answers.
        has_classes: whether the network answers with classes.
    """

    found: ExcitingImages
    pixels: Tensor
    names: tuple[str, ...]
    of_units: bool
    has_classes: bool


def steps_for(is_heavy: bool) -> int:
    """Steps in which an image is made."""
    return _STEPS_HEAVY if is_heavy else _STEPS


def see_unit_wants(
    subject: Subject, layer: str, units: Sequence[int], *, is_heavy: bool = False
) -> SeenWants:
    """What each unit of a layer would like to see where it looks: its receptive field in the middle."""
    shape = output_shapes(subject.network, subject.image_shape).get(layer, ())
    field = followed_fields(subject.network, subject.image_shape).get(layer)
    box = Box(0, 0, *subject.image_shape[1:])
    if len(shape) == 3 and isinstance(field, ReceptiveField):
        box = field.box(shape[1] // 2, shape[2] // 2)
    size = (box.bottom - box.top, box.right - box.left)
    asked = _Asked(subject.network, LayerTap(subject.network, layer))
    settings = _settings(subject, is_heavy, size)
    found = exciting_images(asked, "answer", units, subject.image_shape, settings)
    seen = found.images[:, :, box.top : box.bottom, box.left : box.right]
    names = [f"unit {unit}" for unit in units]
    return _seen(subject, replace(found, layer=layer, images=seen), names, of_units=True)


def see_class_wants(subject: Subject, *, is_heavy: bool = False) -> SeenWants:
    """An image made to raise each class's score, of up to ten classes; or the number, and one to lower it."""
    network = subject.network
    layer = last_hidden_values(network, torch.zeros(1, *subject.image_shape)).output_layer
    if subject.class_names:
        names = list(subject.class_names[:MOST_CLASSES])
        asked = _Asked(network, network)
    else:
        names = ["a larger number", "a smaller number"]
        asked = _Asked(network, lambda images: torch.cat([network(images), -network(images)], dim=1))
    settings = _settings(subject, is_heavy, subject.image_shape[1:])
    found = exciting_images(asked, "answer", range(len(names)), subject.image_shape, settings)
    return _seen(subject, replace(found, layer=layer), names, of_units=False)


def _seen(subject: Subject, found: ExcitingImages, names: Sequence[str], *, of_units: bool) -> SeenWants:
    shown = subject.classifier.preprocessing.unstandardise(torch.from_numpy(found.images)).clamp(0, 1)
    return SeenWants(
        found=found,
        pixels=shown,
        names=tuple(names),
        of_units=of_units,
        has_classes=bool(subject.class_names),
    )


class _Asked(nn.Module):
    """What is asked for, under the name `answer`: maps at their middle, or values as they are.

    The gradient that reaches the image is given the same size in every step. In a deep network it differs by
    orders of magnitude between the first steps and the later ones, and Adam, which remembers the largest,
    would hardly move any more.
    """

    def __init__(self, network: nn.Module, give: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network  # so that it is borrowed, and given back, as a part of this
        self._give = (give,)
        self.answer = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, units, 1, 1) or (N, units)."""
        given = self._give[0](_EvenGradient.apply(images) if images.requires_grad else images)
        if given.ndim == 4:
            row, column = given.shape[2] // 2, given.shape[3] // 2
            given = given[:, :, row : row + 1, column : column + 1]
        answer: Tensor = self.answer(given)
        return answer


class _EvenGradient(torch.autograd.Function):
    """Changes nothing forward; backward gives each image's gradient a mean square of 1."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return images.view_as(images)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> Tensor:
        signal = signals[0]
        axes = (1, 2, 3)
        reached = (signal != 0).sum(axes, keepdim=True).clamp(min=1)
        size = (signal.square().sum(axes, keepdim=True) / reached).sqrt()
        return signal / size.clamp(min=1e-20)


def _settings(subject: Subject, is_heavy: bool, seen: tuple[int, int]) -> ExcitationSettings:
    """Settings for these images, and for units that see so many pixels.

    The values reach from black to white, and steps are in proportion to that. Smoothness is a mean over all
    values, while the gradient that it stands against has the same size in each of them.
    """
    ends = subject.standardised(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, *subject.image_shape))
    low, high = float(ends[0].min()), float(ends[1].max())
    usual = ExcitationSettings()
    return ExcitationSettings(
        steps=steps_for(is_heavy),
        learning_rate=_STEP * (high - low),
        total_variation=_SMOOTHNESS * min(1.0, min(seen) / _LARGE) * math.prod(subject.image_shape),
        jitter=min(usual.jitter, min(seen) // 12),
        lowest=low,
        highest=high,
    )
