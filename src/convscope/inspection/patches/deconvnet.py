"""From a unit back to the pixels that excite it: deconvnet, guided backpropagation, plain gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.layers import LayerTap, check_images
from convscope.inspection.signals.nonlinearities import GATES, NonLinearity, NonLinearityWatch

ProjectionMethod = Literal["deconvnet", "guided", "gradient"]


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What in each image excites one unit at one position.

    units: (N,). positions: (N, 2), row and column in the layer's output; zeros where it has none. values:
    (N,), the unit's output there. A unit with a value of 0 or less is not excited, whatever its picture.
    pixels: (N, C, H, W), in units of the standardised image for a signal of 1 at the unit.
    """

    method: ProjectionMethod
    layer: str
    units: NDArray[np.int64]
    positions: NDArray[np.int64]
    values: NDArray[np.float32]
    pixels: NDArray[np.float32]


def project_to_pixels(
    network: nn.Module,
    images: Tensor,
    layer: str,
    units: Sequence[int],
    positions: Sequence[tuple[int, int]] | None = None,
    *,
    method: ProjectionMethod = "deconvnet",
    batch_size: int = 16,
) -> Projection:
    """Project one unit per image back to the pixels.

    `images` is (N, C, H, W), standardised; `units` has N entries; `positions` has N pairs (row, column), or
    is None for the place where the unit is most excited. Many units cost one pass: repeat the image.

    deconvnet: Zeiler & Fergus 2013. On the way back, convolutions are transposed, max-pooling puts the
    signal where the maximum was (overlapping windows add up), batch normalisation scales, sums share, and
    each rectifier drops what is negative in the signal that comes back, whatever it did on the way up.
    guided: Springenberg et al. 2014, drops that and also what the rectifier stopped on the way up.
    gradient: the true derivative.

    Raises ConvscopeError for deconvnet through a smooth activation, UsageError for a wrong layer, unit or
    position.
    """
    check_images(images)
    if not len(units) == len(images) == len(positions if positions is not None else units):
        raise UsageError(
            f"{len(images)} images need as many units and positions; there are {len(units)} units"
        )
    chosen = torch.as_tensor(units, dtype=torch.int64)
    places = None if positions is None else torch.as_tensor(positions, dtype=torch.int64).reshape(-1, 2)
    parts = []
    with borrowed(network), NonLinearityWatch(_rule(method)):
        tap = LayerTap(network, layer)
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            parts.append(
                _project(tap, images[batch], chosen[batch], None if places is None else places[batch])
            )
    pixels, values, found = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    return Projection(
        method=method, layer=layer, units=chosen.numpy(), positions=found, values=values, pixels=pixels
    )


def _project(
    tap: LayerTap, images: Tensor, units: Tensor, positions: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return pixels (N, C, H, W), values (N,) and positions (N, 2) of one batch."""
    images = images.to(device_of(tap.network)).detach().clone().requires_grad_(True)
    output = tap(images)
    maps = output if output.ndim == 4 else output.reshape(len(output), -1, 1, 1)
    count, height, width = maps.shape[1:]
    if int(units.min()) < 0 or int(units.max()) >= count:
        raise UsageError(f"layer {tap.layer} has units 0 to {count - 1}, not {units.tolist()}")
    rows = torch.arange(len(images), device=maps.device)
    of_units = maps[rows, units.to(maps.device)].flatten(1)  # (N, height · width)
    if positions is None:
        index = of_units.detach().argmax(1)
    else:
        inside = (positions >= 0) & (positions < torch.tensor([height, width]))
        if not bool(inside.all()):
            raise UsageError(f"layer {tap.layer} gives maps of {height}×{width}; a position is outside")
        index = (positions[:, 0] * width + positions[:, 1]).to(maps.device)
    values = of_units[rows, index]
    (pixels,) = torch.autograd.grad(values.sum(), images)
    found = torch.stack([index // width, index % width], dim=1)
    return pixels.float(), values.detach().float(), found


def _rule(method: ProjectionMethod) -> Callable[[NonLinearity], Tensor]:
    match method:
        case "deconvnet":
            return _deconvnet_rule
        case "guided":
            return _guided_rule
        case "gradient":
            return _gradient_rule
    raise UsageError(f"there is no method {method!r}: choose deconvnet, guided or gradient")


def _deconvnet_rule(call: NonLinearity) -> Tensor:
    function = _Rectified if call.is_rectifier else _Refused
    return function.apply(call.values, call)  # type: ignore[no-any-return]


def _guided_rule(call: NonLinearity) -> Tensor:
    output = call.compute(call.values)
    if call.name in GATES:  # a gate weighs other values; it passes no feature on
        return output
    return _Rectified.apply(output, None)  # type: ignore[no-any-return]


def _gradient_rule(call: NonLinearity) -> Tensor:
    return call.compute(call.values)


class _Rectified(torch.autograd.Function):
    """Forward as the call says (or unchanged); backward passes the positive part of the signal."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, call: NonLinearity | None) -> Tensor:
        return values.view_as(values) if call is None else call.compute(values)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        return signals[0].clamp(min=0), None


class _Refused(torch.autograd.Function):
    """Forward as the call says; fails when a signal comes back, so layers above the chosen one may stay."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, call: NonLinearity) -> Tensor:
        ctx.name = call.name
        return call.compute(values)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        raise ConvscopeError(
            f"the deconvnet is defined for rectifiers, which pass a value or stop it; {ctx.name}, between "
            "this layer and the image, bends values or lets negative ones pass, so no rectifier undoes it. "
            "Use method 'guided' or 'gradient'"
        )
