"""What a guided tour shows of a run: an image's way through its first layers, and how it might have begun."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.errors import UsageError
from convscope.inspection.arithmetic.explaining import explain
from convscope.inspection.arithmetic.steps import Bent, Pooled, Step, WeightedSum
from convscope.inspection.arithmetic.trace import Trace, trace_pass
from convscope.inspection.layers import convolution_layers, find_layer
from convscope.inspection.signals.passage import pass_there_and_back
from convscope.looking.subject import Looked, Subject, spread
from convscope.networks.initialisers import InitialValues, initialise
from convscope.networks.pretrained import is_pretrained

Kind = TypeVar("Kind", bound=Step)

_IMAGES = 64
_LARGEST = 20_000_000
"""Parameters of a network that is begun anew for the tour; more take too long, and too much memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """One run, as a tour shows it.

    Attributes:
        image: a judged image that the network is right on.
        number: which of the judged images that is.
        answer, probability: what the network makes of it; empty and nan where it answers with a number.
        temperature: what the classifier divides its class scores by.
        mirrored: whether the classifier asks for the mirror image, too, which the tour leaves out.
        standardised: (C, H, W), what the network is given.
        convolution: of the first layer that convolves; None where none does.
        pooled: the first pooling behind it; None where there is none.
        pooled_map: (h, w), of the same unit behind that pooling.
        beginnings: how the values would be spread before any training; empty for a network that was
            pretrained, or is very large.
        is_normalised: whether it normalises its values by those of a batch, which keeps their size.
    """

    image: Looked
    number: int
    answer: str
    probability: float
    temperature: float
    mirrored: bool
    standardised: NDArray[np.float32]
    convolution: "Convolved | None"
    pooled: Pooled | None
    pooled_map: NDArray[np.float32] | None
    beginnings: tuple["Beginning", ...]
    is_normalised: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolved:
    """One value of a convolution, in the middle of what it reads, and the same unit's corner.

    Attributes:
        layer: its name.
        units: how many it has.
        kernel, stride, padding: rows and columns.
        input_size, output_size: (h, w) of its maps.
        sum: the value's arithmetic, with the input that it weighs most.
        after: the value behind the non-linearity; None where it meets none.
        corner: the same unit at row 0 and column 0, whose window reaches into the padding, if there is any.
        map: (h, w), the unit's values.
    """

    layer: str
    units: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    sum: WeightedSum
    after: Bent | None
    corner: WeightedSum
    map: NDArray[np.float32]

    @property
    def follows_formula(self) -> bool:
        """Whether its size is (side + 2 padding − kernel) / stride + 1: not where it pads one side more."""
        sizes = [self.size_with(stride, self.padding) for stride in self.stride]
        return (sizes[0][0], sizes[1][1]) == self.output_size

    def size_with(self, stride: int, padding: tuple[int, int]) -> tuple[int, int]:
        """Of its maps if it had another stride and padding."""
        return tuple(  # type: ignore[return-value]
            (side + 2 * pad - kernel) // stride + 1
            for side, pad, kernel in zip(self.input_size, padding, self.kernel, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Initial weights, and what the untrained network makes of some images with them.

    Attributes:
        name: of the weights.
        deviations: standard deviation of the values before each non-linearity, and at last of the logits.
        layers: the names that belong to them.
        loss: mean cross-entropy; nan for regression.
    """

    name: str
    deviations: tuple[float, ...]
    layers: tuple[str, ...]
    loss: float

    @property
    def growth(self) -> float:
        """By what the deviation is multiplied from the first layer to the logits."""
        return self.deviations[-1] / self.deviations[0] if self.deviations[0] else math.inf


BEGINNINGS = (
    ("N(0, 1)", InitialValues(hidden="normal", last="normal", std=1.0)),
    ("N(0, 1) × 0.01", InitialValues(hidden="normal", last="normal", std=1.0, scale=0.01)),
    ("He, Xavier at the end", InitialValues()),
)
"""The three of the experiments mnist-conv4-bad-init, -tiny-init and -good-init."""


def measure_lesson(subject: Subject) -> Lesson:
    """One pass of one image, and one of some images for each beginning.

    Raises:
        DataError, RunError: the run's images are not to be had any more.
    """
    number = _right_image(subject)
    image = subject.pick(number)
    standardised = subject.standardised(image.pixels[None])
    trace = trace_pass(subject.network, standardised)
    convolution, pooled = _first_convolution(subject, trace)
    answer, probability = _answer(subject, trace)
    return Lesson(
        image=image,
        number=number,
        answer=answer,
        probability=probability,
        temperature=subject.classifier.target.temperature,
        mirrored=subject.classifier.preprocessing.mirrored,
        standardised=standardised[0].numpy(),
        convolution=convolution,
        pooled=pooled,
        pooled_map=None if pooled is None else trace.values(pooled.layer)[pooled.unit].numpy(),
        beginnings=_beginnings(subject),
        is_normalised=any(isinstance(each, _BatchNorm) for each in subject.network.modules()),
    )


def _right_image(subject: Subject) -> int:
    """The first judged image that the network is right on, or else the first."""
    if not subject.class_names:
        return 0
    rows, outputs = subject.judged.rows, subject.judged.outputs
    right = outputs.argmax(axis=1) == np.asarray(subject.judging.labels)[rows]
    return int(rows[int(right.argmax())])


def _answer(subject: Subject, trace: Trace) -> tuple[str, float]:
    if not subject.class_names:
        return "", math.nan
    probabilities = subject.classifier.target.scaled(trace.logits).softmax(-1)
    best = int(probabilities.argmax())
    return subject.class_names[best], float(probabilities[best])


def _first_convolution(subject: Subject, trace: Trace) -> tuple[Convolved | None, Pooled | None]:
    names = convolution_layers(subject.network)
    known = {layer.name for layer in trace.layers}
    name = next((each for each in names if each in known), None)
    if name is None:
        return None, None
    module = find_layer(subject.network, name)
    if not isinstance(module, nn.Conv2d):
        return None, None
    values = trace.values(name)  # (units, h, w)
    place = _liveliest(values)
    try:
        found = explain(trace, name, *place, most=1)
        corner = explain(trace, name, place[0], 0, 0, most=1)
    except UsageError:  # an operator whose arithmetic is not known
        return None, None
    total, edge = found.steps[found.asked], corner.steps[corner.asked]
    if not (
        isinstance(module, nn.Conv2d) and isinstance(total, WeightedSum) and isinstance(edge, WeightedSum)
    ):
        return None, None
    padding = module.padding if isinstance(module.padding, tuple) else (0, 0)
    convolved = Convolved(
        layer=name,
        units=module.out_channels,
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=_pair(padding),
        input_size=_pair(trace.values(total.source).shape[-2:]),
        output_size=_pair(values.shape[-2:]),
        sum=total,
        after=_first(Bent, found.steps),
        corner=edge,
        map=values[place[0]].numpy(),
    )
    return convolved, _first(Pooled, found.steps)


def _liveliest(values: Tensor) -> tuple[int, int, int]:
    """The largest value that does not stand at the edge."""
    margin = 3 if min(values.shape[-2:]) > 8 else 0
    inner = values[:, margin : values.shape[1] - margin, margin : values.shape[2] - margin]
    unit, row, column = np.unravel_index(int(inner.argmax()), tuple(inner.shape))
    return int(unit), int(row) + margin, int(column) + margin


def _beginnings(subject: Subject) -> tuple[Beginning, ...]:
    size = sum(parameter.numel() for parameter in subject.network.parameters())
    name = subject.run.config.network.name
    if size > _LARGEST or is_pretrained(name) or name.startswith("timm:"):
        return ()
    train = subject.dataset.train
    rows = spread(len(train), _IMAGES)
    images = subject.standardised(subject.images(train, rows))
    labels = train.labels[torch.from_numpy(rows)] if subject.class_names else None
    return tuple(_begun(subject, name, values, images, labels) for name, values in BEGINNINGS)


def _begun(
    subject: Subject, name: str, values: InitialValues, images: Tensor, labels: Tensor | None
) -> Beginning:
    """Normalised by these images, as the first step is: running statistics are not measured before it."""
    network = copy.deepcopy(subject.network)
    initialise(network, values, seed=0)
    targets = torch.zeros(len(images)) if labels is None else labels
    start = pass_there_and_back(network, images, targets, batch_statistics=True)
    return Beginning(
        name=name,
        deviations=tuple(each.values for each in start.stages),
        layers=tuple(each.name for each in start.stages),
        loss=math.nan if labels is None else start.loss,
    )


def _first(kind: type[Kind], steps: tuple[Step, ...]) -> Kind | None:
    return next((step for step in steps if isinstance(step, kind)), None)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    """Rows and columns, of a module's setting or a tensor's shape."""
    return int(values[0]), int(values[1])
