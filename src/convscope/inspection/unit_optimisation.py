"""What a unit wants: an image made to excite it."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.layers import LayerTap
from convscope.inspection.signals.nonlinearities import NonLinearity, NonLinearityWatch
from convscope.work import counted

_WAKING_STEPS = 16


@dataclass(frozen=True, kw_only=True)
class ExcitationSettings:
    """How an image is made."""

    steps: int = 96
    """Updates by Adam."""

    learning_rate: float = 0.05
    """In units of the standardised image."""

    total_variation: float = 0.3
    """How much neighbouring pixels are pulled together, against the unit's output in standard deviations."""

    jitter: int = 4
    """Each step shifts the image by up to so many pixels, so that no single pixel can matter."""

    lowest: float = -2.5
    """Darkest value of the standardised image."""

    highest: float = 2.5
    """Brightest value."""

    seed: int = 0
    """Of the first image, which is faint noise, and of the shifts."""


@dataclass(frozen=True, kw_only=True)
class ExcitingImages:
    """An image for each unit.

    images: (U, C, H, W), standardised. before, after: (U,), the unit's output, averaged over its map, for
    the noise at the start and for the image.
    """

    layer: str
    units: NDArray[np.int64]
    images: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]


def exciting_images(
    network: nn.Module,
    layer: str,
    units: Sequence[int],
    image_shape: tuple[int, int, int],
    settings: ExcitationSettings | None = None,
) -> ExcitingImages:
    """Make an image (C, H, W) for each unit that raises its mean output, all in one batch.

    Activation maximisation (Erhan et al. 2009) with total variation (Mahendran & Vedaldi 2015) and jitter
    (Mordvintsev et al. 2015). The same seed gives the same images. Raises UsageError for a wrong layer or
    unit.
    """
    chosen = settings or ExcitationSettings()
    if not units:
        raise UsageError("no unit was named: give at least one")
    generator = torch.Generator().manual_seed(chosen.seed)
    noise = torch.randn(1, *image_shape, generator=generator).expand(len(units), -1, -1, -1)
    with borrowed(network):
        tap = LayerTap(network, layer)
        noise = noise.to(device_of(network))
        images = (0.02 * noise).requires_grad_(True)
        with torch.no_grad():
            before = _responses(tap(images), units, layer)
            spread = tap(noise).std().clamp(min=1e-6)  # noise as strong as an image
        optimizer = torch.optim.Adam([images], lr=chosen.learning_rate)
        for step in counted(range(chosen.steps), "improving images, step"):
            shift = torch.randint(-chosen.jitter, chosen.jitter + 1, (2,), generator=generator).tolist()
            with NonLinearityWatch(_waking) if step < _WAKING_STEPS else nullcontext():
                response = _responses(tap(torch.roll(images, shift, dims=(2, 3))), units, layer)
            loss = (chosen.total_variation * _total_variation(images) - response / spread).sum()
            (images.grad,) = torch.autograd.grad(loss, images)
            optimizer.step()
            with torch.no_grad():
                images.clamp_(chosen.lowest, chosen.highest)
        with torch.no_grad():
            after = _responses(tap(images), units, layer)
    return ExcitingImages(
        layer=layer,
        units=np.array(units, dtype=np.int64),
        images=images.detach().cpu().numpy(),
        before=before.cpu().numpy(),
        after=after.cpu().numpy(),
    )


class _Waking(torch.autograd.Function):
    """A rectifier that also passes a signal back to a value below 0 if the signal would raise it.

    Without it a unit that the noise at the start leaves at 0 has no gradient and could never be woken.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, call: NonLinearity) -> Tensor:
        ctx.save_for_backward(values > 0)
        return call.compute(values)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        (active,) = ctx.saved_tensors
        raising = signals[0] < 0  # the loss falls as the value rises
        return signals[0].where(active | raising, 0), None


def _waking(call: NonLinearity) -> Tensor:
    if not call.is_rectifier:
        return call.compute(call.values)
    return _Waking.apply(call.values, call)  # type: ignore[no-any-return]


def _responses(output: Tensor, units: Sequence[int], layer: str) -> Tensor:
    """Return how much image i excites unit i: (U,)."""
    count = output.shape[1]
    if not all(0 <= unit < count for unit in units):
        raise UsageError(f"layer {layer} has units 0 to {count - 1}; {list(units)} was asked for")
    rows = torch.arange(len(units), device=output.device)
    return output[rows, torch.tensor(units, device=output.device)].reshape(len(units), -1).mean(1)


def _total_variation(images: Tensor) -> Tensor:
    """Return the mean absolute difference between neighbouring pixels: (N,)."""
    vertical = (images[:, :, 1:] - images[:, :, :-1]).abs().mean(dim=(1, 2, 3))
    horizontal = (images[:, :, :, 1:] - images[:, :, :, :-1]).abs().mean(dim=(1, 2, 3))
    return vertical + horizontal
