"""One pass there and back: how large the values of each layer are, and the gradients that come to it.

Glorot and Bengio ("Understanding the difficulty of training deep feedforward neural networks", 2010) look at
both, layer by layer: where either grows or shrinks from layer to layer, the first or the last layers do not
learn.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.inspection.borrowing import device_of
from convscope.inspection.layers import check_images
from convscope.inspection.signals.nonlinearities import NonLinearity
from convscope.inspection.signals.nonlinearity_sites import watched_nonlinearities

_ROUNDING = 1e-6
"""Of the largest answer: what single precision may add to answers that are alike."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The values in front of one non-linearity, or the network's answer.

    Attributes:
        name: the layer that gives them; `logits` for the answer.
        values: their standard deviation; nan where one is not finite.
        gradient: the root mean square of the loss's gradient by them; nan where one is not finite.
    """

    name: str
    values: float
    gradient: float


@dataclass(frozen=True, kw_only=True)
class LayerWeights:
    """The weights of one layer.

    Attributes:
        shape: `(out, in)` or `(out, in / groups, height, width)`.
        size: their root mean square.
        gradient: the root mean square of the loss's gradient by them; nan where one is not finite.
    """

    name: str
    shape: tuple[int, ...]
    size: float
    gradient: float

    @property
    def fan_in(self) -> int:
        """How many values each unit reads."""
        return math.prod(self.shape[1:])

    @property
    def leaves_zero(self) -> bool:
        """Whether it starts at 0, as the last layer of some networks does, and the first step moves it."""
        return self.size == 0 and self.gradient > 0


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What a pass there and back showed.

    Attributes:
        stages: in the order of the pass; the answer comes last.
        weights: of each convolution and fully connected layer that is trained, in order of definition.
        loss: the mean cross-entropy or squared error of these images.
        images: how many there were.
        answers_differ: whether the answers differ from image to image.
    """

    stages: tuple[Stage, ...]
    weights: tuple[LayerWeights, ...]
    loss: float
    images: int
    answers_differ: bool

    @property
    def answers_nothing_yet(self) -> bool:
        """Whether all answers are alike only for a layer of zeros, which the first step moves."""
        *inner, answer = self.stages
        is_silent = answer.values == 0 and all(each.values > 0 for each in inner[-1:])
        return is_silent and any(each.leaves_zero for each in self.weights)


def pass_there_and_back(
    network: nn.Module, images: Tensor, targets: Tensor, *, batch_statistics: bool = False
) -> Passage:
    """Send standardised images `(N, C, H, W)` through a copy of the network, and the loss's gradient back.

    Args:
        network: it is copied, and stays as it is.
        images: N of them, at once.
        targets: `(N,)`, class indices, or numbers in the unit of the outputs.
        batch_statistics: normalise by these images, as in training, instead of by running statistics: in a
            network that took no step those are not measured yet.
    """
    check_images(images)
    twin, device = copy.deepcopy(network).eval(), device_of(network)
    trained = [name for name, each in network.named_parameters() if each.requires_grad]
    for module in twin.modules():
        if batch_statistics and isinstance(module, _BatchNorm):
            module.train()
    twin.requires_grad_(True)
    seen: dict[str, Tensor] = {}

    def observe(site: str, call: NonLinearity, output: Tensor) -> None:
        seen[site] = call.values

    with torch.inference_mode(False), torch.enable_grad(), watched_nonlinearities(twin, observe):
        outputs = twin(images.to(device)).float()
    loss = _loss(outputs, targets.to(device))
    layers = {
        name: module.weight
        for name, module in twin.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and (f"{name}.weight" in trained or not trained)
    }
    wanted = [*seen.values(), outputs, *layers.values()]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
    at_values, at_weights = gradients[: len(seen) + 1], gradients[len(seen) + 1 :]
    return Passage(
        stages=tuple(
            Stage(name=name, values=_spread(values), gradient=_size(gradient))
            for (name, values), gradient in zip((seen | {"logits": outputs}).items(), at_values, strict=True)
        ),
        weights=tuple(
            LayerWeights(name=name, shape=tuple(weight.shape), size=_size(weight), gradient=_size(gradient))
            for (name, weight), gradient in zip(layers.items(), at_weights, strict=True)
        ),
        loss=loss.item(),
        images=len(images),
        answers_differ=bool((outputs - outputs[:1]).abs().max() > _ROUNDING * outputs.abs().max()),
    )


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return nn.functional.mse_loss(outputs[:, 0], targets)
    return nn.functional.cross_entropy(outputs, targets)


def _spread(values: Tensor) -> float:
    """In double precision: squares of single-precision numbers overflow beyond 1e19."""
    return _finite(values.detach().double().std(correction=0).item())


def _size(values: Tensor | None) -> float:
    return 0.0 if values is None else _finite(values.detach().double().square().mean().sqrt().item())


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan
