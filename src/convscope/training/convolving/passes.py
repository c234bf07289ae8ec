"""The forward and the backward passes of a convolution on a CPU, each computed in the way that is fast.

Forward, what follows a convolution and only cuts off is done as its outputs are written, by the operation
that torch's own compiler uses for it.

oneDNN has no fast kernel for two backward passes of depthwise convolutions (benchmarks/depthwise.py): for the
gradient of the input in bfloat16 where the stride is above 1, 17 times as slow as in float32, which it is
computed in instead; and, in either format, for the gradient of a weight more than three columns wide. Three
columns of it are what the library is quick at; the others are found one by one, on images shifted by so many
columns.
"""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

QUICK_WIDTH = 3
"""Columns of a weight up to which the library's own gradient is fast."""


def is_depthwise(convolution: nn.Conv2d) -> bool:
    """Whether each channel is convolved by itself."""
    return convolution.groups > 1 and convolution.groups == convolution.in_channels


def can_cut() -> bool:
    """Whether this torch can cut off a convolution's outputs as they are written."""
    is_there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_there and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


class Convolution(torch.autograd.Function):
    """`conv2d` in a number format, its outputs cut off below nought and above `top` where that is a number.

    Takes images `(N, C, H, W)`, weight, bias or None, format, top or None, and what else `conv2d` takes.
    """

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        precision: torch.dtype,
        top: float | None,
        *geometry: Any,
    ) -> Tensor:
        """The outputs `(N, K, H', W')`."""
        images, weights = images.to(precision), weight.to(precision)
        bias = None if bias is None else bias.to(precision)
        output = _forward(images, weights, bias, top, geometry)
        ctx.save_for_backward(images, weight, None if top is None else output)
        ctx.geometry, ctx.top = geometry, top
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Of the images, the weight and the bias, where they are asked for."""
        images, weight, output = ctx.saved_tensors
        if output is not None:
            gradient = torch.ops.aten.hardtanh_backward(gradient, output, 0.0, ctx.top)
        needed = ctx.needs_input_grad[:3]
        if ctx.geometry[-1] == 1:
            found = _gradients(gradient, images, weight, ctx.geometry, images.dtype, needed)
        else:
            found = _of_channels(gradient, images, weight, ctx.geometry, needed)
        of_images, of_weight, of_bias = found
        return of_images, of_weight, of_bias, *[None] * (2 + len(ctx.geometry))


def _forward(
    images: Tensor, weight: Tensor, bias: Tensor | None, top: float | None, geometry: Sequence[Any]
) -> Tensor:
    if top is None:
        return conv2d(images, weight, bias, *geometry)
    stride, padding, dilation, groups = geometry
    cut, limits = ("relu", []) if math.isinf(top) else ("hardtanh", [0.0, top])
    found: Tensor = torch.ops.mkldnn._convolution_pointwise(
        images, weight, bias, padding, stride, dilation, groups, cut, limits, ""
    )
    return found


def _of_channels(
    gradient: Tensor, images: Tensor, weight: Tensor, geometry: Sequence[Any], needed: Sequence[bool]
) -> tuple[Tensor | None, ...]:
    """The gradients of a depthwise convolution, each in the format and the way that is fast."""
    of_images = of_weight = of_bias = None
    if needed[0]:
        precision = torch.float32 if max(geometry[0]) > 1 else images.dtype
        of_images = _gradients(gradient, images, weight, geometry, precision, (True, False, False))[0]
    if needed[1]:
        is_wide = weight.shape[-1] > QUICK_WIDTH
        find, precision = (_of_wide_weight, torch.float32) if is_wide else (_of_weight, images.dtype)
        of_weight = find(gradient, images, weight, geometry, precision)
    if needed[2]:
        of_bias = gradient.sum((0, 2, 3), dtype=torch.float32)
    return of_images, of_weight, of_bias


def _of_weight(
    gradient: Tensor, images: Tensor, weight: Tensor, geometry: Sequence[Any], precision: torch.dtype
) -> Tensor:
    _, found, _ = _gradients(gradient, images, weight, geometry, precision, (False, True, False))
    return cast(Tensor, found)


def _of_wide_weight(
    gradient: Tensor, images: Tensor, weight: Tensor, geometry: Sequence[Any], precision: torch.dtype
) -> Tensor:
    """Column by column, but for the middle three; those of a weight that is not centred, all at once."""
    stride, padding, dilation, groups = geometry
    width = weight.shape[-1]
    middle = width // 2
    if width % 2 == 0 or padding[1] != middle or dilation[1] != 1:
        return _of_weight(gradient, images, weight, geometry, precision)
    gradient, images, found = gradient.to(precision), images.to(precision), torch.empty_like(weight)

    def fill(first: int, columns: int, images: Tensor) -> None:
        part = slice(first, first + columns)
        narrow = (stride, (padding[0], columns // 2), dilation, groups)
        found[..., part] = _of_weight(gradient, images, weight[..., part], narrow, precision)

    fill(middle - 1, QUICK_WIDTH, images)
    for column in (*range(middle - 1), *range(middle + 2, width)):
        fill(column, 1, _shifted(images, column - middle))
    return found


def _shifted(images: Tensor, columns: int) -> Tensor:
    """What stands so many columns further to the right at each place; zeros from beyond the edge."""
    width = images.shape[-1]
    moved = torch.empty_like(images)
    first, last = min(width, max(0, -columns)), max(0, width - max(0, columns))
    moved[..., :first], moved[..., last:] = 0.0, 0.0
    moved[..., first:last] = images[..., first + columns : last + columns]
    return moved


def _gradients(
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    geometry: Sequence[Any],
    precision: torch.dtype,
    needed: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """Of the input, the weight and the bias, as the library finds them in a number format."""
    stride, padding, dilation, groups = geometry
    tensors = (each.to(precision) for each in (gradient, images, weight))
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        *tensors, [len(weight)], stride, padding, dilation, False, (0, 0), groups, list(needed)
    )
    formats = (images.dtype, weight.dtype, torch.float32)
    return tuple(None if each is None else each.to(of) for each, of in zip(found, formats, strict=True))
