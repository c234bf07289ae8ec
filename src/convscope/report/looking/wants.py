"""What would a unit, or a class, most like to see?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.layers import LayerTap
from convscope.inspection.unit_optimisation import ExcitationSettings, ExcitingImages, exciting_images
from convscope.networks.receptive_fields import Box, ReceptiveField, followed_fields
from convscope.networks.shapes import output_shapes
from convscope.report.grids import image_grid
from convscope.report.looking.answer import Answer, file_name, rounded, some
from convscope.report.looking.subject import Subject
from convscope.report.notebook import Picture

MOST_CLASSES = 10
UNITS = 6

_STEPS_HEAVY = 40


def wants_of(subject: Subject, layer: str, units: Sequence[int], *, is_heavy: bool = False) -> Answer:
    """What each unit of a layer would like to see where it looks: its receptive field in the middle."""
    shape = output_shapes(subject.network, subject.image_shape).get(layer, ())
    field = followed_fields(subject.network, subject.image_shape).get(layer)
    if len(shape) == 3 and isinstance(field, ReceptiveField):
        box = field.box(shape[1] // 2, shape[2] // 2)
        network: nn.Module = _MiddleOf(subject.network, layer)
        tapped = "middle"
    else:
        box, network, tapped = Box(0, 0, *subject.image_shape[1:]), subject.network, layer
    settings = _settings(subject, is_heavy, (box.bottom - box.top, box.right - box.left))
    found = exciting_images(network, tapped, units, subject.image_shape, settings)
    size = f"{box.bottom - box.top}×{box.right - box.left}"
    return _answer(
        subject,
        replace(found, layer=layer, images=found.images[:, :, box.top : box.bottom, box.left : box.right]),
        [f"unit {unit}" for unit in units],
        name=file_name("wants", layer, str(units[0]) if len(units) == 1 else ""),
        title=f"What the units of {layer} would like to see",
        question="Which picture, of the size that a unit sees, would excite it most?",
        heading=f"{layer}: the {size} pixels that would excite each unit most",
    )


def class_wants(subject: Subject, *, is_heavy: bool = False) -> Answer:
    """An image made to raise each class's score, of up to ten classes; or the number, and one to lower it."""
    network: nn.Module = subject.network
    if subject.class_names:
        names = [f"class {name}" for name in subject.class_names[:MOST_CLASSES]]
        blank = torch.zeros(1, *subject.image_shape)
        layer = tapped = last_hidden_values(network, blank).output_layer
        title, raised = "What each class would like to see", "the score of each class"
    else:
        names = ["a larger number", "a smaller number"]
        network, layer, tapped = _BothWays(network), "", "both"
        title, raised = "What would raise the number, and what would lower it", "or lower the number"
    settings = _settings(subject, is_heavy, subject.image_shape[1:])
    found = exciting_images(network, tapped, range(len(names)), subject.image_shape, settings)
    return _answer(
        subject,
        replace(found, layer=layer),
        names,
        name="wants-classes",
        title=title,
        question="Which image would raise each answer most? It shows what the network goes by.",
        heading=f"An image made to raise {raised}",
    )


class _BothWays(nn.Module):
    """A network whose one output is given twice, once with its sign turned, under the name `both`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.both = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, 2)."""
        number = self.network(images)
        both: Tensor = self.both(torch.cat([number, -number], dim=1))
        return both


class _MiddleOf(nn.Module):
    """A network that ends with what one layer gives at the middle of its maps, under the name `middle`."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        super().__init__()
        self.network = network
        self.middle = nn.Identity()
        self._tap = LayerTap(network, layer)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, units, 1, 1)."""
        maps = self._tap(images)
        row, column = maps.shape[2] // 2, maps.shape[3] // 2
        middle: Tensor = self.middle(maps[:, :, row : row + 1, column : column + 1])
        return middle


def _settings(subject: Subject, is_heavy: bool, seen: tuple[int, int]) -> ExcitationSettings:
    """Settings for these images, and for units that see so many pixels.

    The values reach from black to white, and steps are in proportion to that. Smoothness is a mean over the
    whole image, so a unit that sees little of it needs more.
    """
    ends = subject.standardised(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, *subject.image_shape))
    low, high = float(ends[0].min()), float(ends[1].max())
    usual = ExcitationSettings()
    steps = _STEPS_HEAVY if is_heavy else usual.steps
    rate = usual.learning_rate * (high - low) / (usual.highest - usual.lowest)
    height, width = subject.image_shape[1:]
    return ExcitationSettings(
        steps=steps,
        learning_rate=rate * usual.steps / steps,
        total_variation=usual.total_variation * height * width / (seen[0] * seen[1]),
        jitter=min(usual.jitter, min(seen) // 8),
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
    pixels = np.asarray((shown * 255).round().numpy(), dtype=np.uint8)
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
            drawing=image_grid(pixels, names, columns=_columns(len(names)), heading=heading),
            alt=f"{some(len(names), 'image')}, made for {', '.join(names)}. {finding}.",
        ),
        numbers={
            "units": found.units.tolist(),
            "before": found.before.tolist(),
            "after": found.after.tolist(),
        },
    )


def _columns(count: int) -> int:
    """In one row up to six, else in rows of five."""
    return count if count <= 6 else 5
