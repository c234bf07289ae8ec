"""What would a unit, or a class, most like to see?"""

from collections.abc import Sequence

import numpy as np
import torch

from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.unit_optimisation import ExcitationSettings, ExcitingImages, exciting_images
from convscope.report.grids import image_grid
from convscope.report.looking.answer import Answer, file_name, rounded, some
from convscope.report.looking.subject import Subject
from convscope.report.notebook import Picture

MOST_CLASSES = 10
UNITS = 6

_STEPS_HEAVY = 40


def wants_of(subject: Subject, layer: str, units: Sequence[int], *, is_heavy: bool = False) -> Answer:
    """An image made to excite each unit of a layer."""
    names = [f"unit {unit}" for unit in units]
    heading = f"{layer}: an image made to excite each unit"
    return _answer(
        subject,
        exciting_images(subject.network, layer, units, subject.image_shape, _settings(subject, is_heavy)),
        names,
        name=file_name("wants", layer, *_units_of_name(units)),
        title=f"What the units of {layer} would like to see",
        question="Which image would excite each unit most?",
        heading=heading,
    )


def class_wants(subject: Subject, *, is_heavy: bool = False) -> Answer:
    """An image made to raise each class's score, of up to ten classes."""
    blank = torch.zeros(1, *subject.image_shape)
    layer = last_hidden_values(subject.network, blank).output_layer
    names = list(subject.class_names[:MOST_CLASSES]) or ["a larger number"]
    units = list(range(len(names)))
    return _answer(
        subject,
        exciting_images(subject.network, layer, units, subject.image_shape, _settings(subject, is_heavy)),
        names,
        name="wants-classes",
        title="What each class would like to see",
        question="Which image would raise each class's score most? It shows what the network goes by.",
        heading="An image made to raise the score of each class",
    )


def _units_of_name(units: Sequence[int]) -> tuple[str, ...]:
    return (str(units[0]),) if len(units) == 1 else ()


def _settings(subject: Subject, is_heavy: bool) -> ExcitationSettings:
    """From black to white; steps in proportion to that range, 1 where images are not standardised."""
    ends = subject.standardised(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, *subject.image_shape))
    low, high = float(ends[0].min()), float(ends[1].max())
    usual = ExcitationSettings()
    rate = usual.learning_rate * (high - low) / (usual.highest - usual.lowest)
    steps = _STEPS_HEAVY if is_heavy else usual.steps
    return ExcitationSettings(
        steps=steps,
        learning_rate=rate * usual.steps / steps,
        jitter=max(1, min(usual.jitter, min(subject.image_shape[1:]) // 8)),
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
    finding = f"{names[best]} rises most: from {rounded(float(found.before[best]))} "
    finding += f"to {rounded(float(found.after[best]))}, averaged over its map"
    if len(names) > 1 and found.images.shape[0] > 1 and name == "wants-classes":
        finding = finding.replace(", averaged over its map", "")
    return Answer(
        about="wants",
        name=name,
        title=title,
        question=question,
        finding=finding,
        layer=found.layer,
        picture=Picture(
            array=found.images,
            drawing=image_grid(pixels, names, columns=min(5, len(names)), heading=heading),
            alt=f"{some(len(names), 'image')}, made for {', '.join(names)}. {finding}.",
        ),
        numbers={
            "units": found.units.tolist(),
            "before": found.before.tolist(),
            "after": found.after.tolist(),
        },
    )
