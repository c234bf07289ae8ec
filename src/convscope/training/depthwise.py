"""Depthwise convolutions in bfloat16 on a CPU: each direction in the number format in which it is fast.

oneDNN has no fast bfloat16 kernel for two of a depthwise convolution's backward passes: for the gradient of
its input where the stride is above 1 (17 times as slow as in float32), and for that of its weight where the
kernel is 5 × 5 (3 times): benchmarks/depthwise.py. Those two are computed in float32, all else in bfloat16.
With that, fine-tuning EfficientNet-Lite0 is faster in bfloat16, and as good: docs/speed.md.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.overrides import TorchFunctionMode

LARGE_KERNEL = 5


def is_depthwise(convolution: nn.Conv2d) -> bool:
    """Whether each channel is convolved by itself."""
    return convolution.groups > 1 and convolution.groups == convolution.in_channels


def fast_depthwise(device: torch.device, precision: torch.dtype) -> AbstractContextManager[object]:
    """Within it, depthwise convolutions in bfloat16 on a CPU get the fast backward pass."""
    if device.type == "cpu" and precision == torch.bfloat16:
        return _FastDepthwise()
    return nullcontext()


class _FastDepthwise(TorchFunctionMode):
    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is conv2d and not kwargs and len(args) == 7 and _is_ours(*args):
            images, weight, bias, *geometry = args
            output: Tensor = _Depthwise.apply(images.bfloat16(), weight, *geometry)
            return output if bias is None else output + bias.bfloat16()[:, None, None]
        return function(*args, **(kwargs or {}))


def _is_ours(
    images: Tensor,
    weight: Tensor,
    bias: object,
    stride: object,
    padding: object,
    dilation: object,
    groups: int,
) -> bool:
    return groups > 1 and groups == images.shape[-3] and images.ndim == 4 and isinstance(padding, tuple)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, *geometry: Any) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.geometry = geometry
        return conv2d(images, weight.bfloat16(), None, *geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        stride = ctx.geometry[0]
        of_images = of_weight = None
        if ctx.needs_input_grad[0]:
            precision = torch.float32 if max(stride) > 1 else torch.bfloat16
            of_images = _gradient(ctx.geometry, precision, gradient, images, weight, 0).to(images.dtype)
        if ctx.needs_input_grad[1]:
            precision = torch.float32 if max(weight.shape[-2:]) >= LARGE_KERNEL else torch.bfloat16
            of_weight = _gradient(ctx.geometry, precision, gradient, images, weight, 1).to(weight.dtype)
        return of_images, of_weight, None, None, None, None


def _gradient(
    geometry: Sequence[Any],
    precision: torch.dtype,
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    which: int,
) -> Tensor:
    """Of the input (0) or the weight (1), computed in a number format."""
    stride, padding, dilation, groups = geometry
    wanted = [which == place for place in range(3)]
    tensors = (each.to(precision) for each in (gradient, images, weight))
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        *tensors, None, stride, padding, dilation, False, (0, 0), groups, wanted
    )
    return found[which]
