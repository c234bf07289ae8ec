"""What would a unit, or a class, most like to see?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.layers import LayerTap
from convscope.inspection.unit_optimisation import ExcitationSettings, ExcitingImages, exciting_images
from convscope.networks.receptive_fields import Box, ReceptiveField, followed_fields
from convscope.networks.shapes import output_shapes
from convscope.report.looking.answer import Answer, file_name, rounded, some
from convscope.report.looking.subject import Subject
from convscope.report.pictures.grids import TILE, image_grid
from convscope.report.pictures.notebook import Picture

MOST_CLASSES = 10
UNITS = 6

_STEPS = 64
_STEPS_HEAVY = 40
_STEP = 0.02  # of the way from black to white
_LARGE = 28  # pixels; who sees fewer may want each of them to differ from the next
_SMOOTHNESS = 0.4  # of neighbouring pixels, where what excites the unit has the weight 1


def wants_of(subject: Subject, layer: str, units: Sequence[int], *, is_heavy: bool = False) -> Answer:
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
    return _answer(
        subject,
        replace(found, layer=layer, images=found.images[:, :, box.top : box.bottom, box.left : box.right]),
        [f"unit {unit}" for unit in units],
        name=file_name("wants", layer, str(units[0]) if len(units) == 1 else ""),
        title=f"What the units of {layer} would like to see",
        question="Which picture, of the size that a unit sees, would excite it most?",
        heading=f"{layer}: the {size[0]}×{size[1]} pixels that would excite each unit most",
    )


def class_wants(subject: Subject, *, is_heavy: bool = False) -> Answer:
    """An image made to raise each class's score, of up to ten classes; or the number, and one to lower it."""
    network = subject.network
    layer = last_hidden_values(network, torch.zeros(1, *subject.image_shape)).output_layer
    if subject.class_names:
        names = list(subject.class_names[:MOST_CLASSES])
        asked = _Asked(network, network)
        title, raised = "What each class would like to see", "the score of each class"
    else:
        names = ["a larger number", "a smaller number"]
        asked = _Asked(network, lambda images: torch.cat([network(images), -network(images)], dim=1))
        title, raised = "What would raise the number, and what would lower it", "or lower the number"
    settings = _settings(subject, is_heavy, subject.image_shape[1:])
    found = exciting_images(asked, "answer", range(len(names)), subject.image_shape, settings)
    return _answer(
        subject,
        replace(found, layer=layer),
        names,
        name="wants-classes",
        title=title,
        question="Which image would raise each answer most? It shows what the network goes by.",
        heading=f"An image made to raise {raised}",
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
        steps=_STEPS_HEAVY if is_heavy else _STEPS,
        learning_rate=_STEP * (high - low),
        total_variation=_SMOOTHNESS * min(1.0, min(seen) / _LARGE) * math.prod(subject.image_shape),
        jitter=min(usual.jitter, min(seen) // 12),
        lowest=low,
        highest=high,
    )


def _answer(
    subject: Subject,
    found: ExcitingImages,
    names: Sequence[str],
    *,
    name: str,
    title: str,
    question: str,
    heading: str,
) -> Answer:
    shown = subject.classifier.preprocessing.unstandardise(torch.from_numpy(found.images)).clamp(0, 1)
    pixels = np.asarray((_contrasted(shown) * 255).round().numpy(), dtype=np.uint8)
    rise = found.after - found.before
    best = int(rise.argmax())
    finding = f"{names[best]} rises most: its answer goes from {rounded(float(found.before[best]))} "
    finding += f"to {rounded(float(found.after[best]))}"
    return Answer(
        about="wants",
        name=name,
        title=title,
        question=question,
        finding=finding,
        layer=found.layer,
        picture=Picture(
            array=found.images,
            drawing=image_grid(_large(pixels), names, columns=_columns(len(names)), heading=heading),
            alt=f"{some(len(names), 'image')}, made for {', '.join(names)}. {finding}.",
        ),
        numbers={
            "units": found.units.tolist(),
            "before": found.before.tolist(),
            "after": found.after.tolist(),
        },
    )


def _contrasted(images: Tensor) -> Tensor:
    """Colour images (N, 3, H, W) stretched around their middle, where they are faint; others as they are."""
    if images.shape[1] != 3:
        return images
    distance = images - images.flatten(1).median(1).values[:, None, None, None]
    reach = distance.abs().flatten(1).sort(1).values[:, int(0.998 * distance[0].numel())]
    gain = (0.5 / reach.clamp(min=1e-3)).clamp(min=1)[:, None, None, None]
    return torch.where(gain > 1, 0.5 + gain * distance, images).clamp(0, 1)


def _large(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels doubled where a tile would else be narrower than its caption."""
    return pixels.repeat(2, axis=2).repeat(2, axis=3) if TILE / 2 < pixels.shape[3] < TILE else pixels


def _columns(count: int) -> int:
    """In one row up to six, else in rows of five."""
    return count if count <= 6 else 5
