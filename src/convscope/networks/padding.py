"""SAME and VALID padding.

VALID adds nothing: the output has `(W − F) / S + 1` units, rounded down. SAME keeps `ceil(W / S)` units: the
padding which that takes is split evenly over both sides, and an odd pixel goes to the bottom and the right.
A convolution pads with 0, a max-pooling with −∞, so that the border never wins.
"""

from torch import Tensor, nn
from torch.nn import functional


def output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0) -> int:
    """Units along one axis: `(W − F + 2P) / S + 1`, rounded down; `padding` is P, the pixels on each side."""
    return (size - kernel_size + 2 * padding) // stride + 1


def same_output_size(size: int, stride: int) -> int:
    """Units along one axis under SAME padding: `size / stride`, rounded up."""
    return -(-size // stride)


def same_padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Pixels to add before and after one axis so that it keeps `ceil(size / stride)` units."""
    needed = (same_output_size(size, stride) - 1) * stride + kernel_size - size
    return even_padding(max(needed, 0))


def even_padding(total: int) -> tuple[int, int]:
    """`total` pixels split evenly into before and after; an odd one goes after."""
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """A convolution with SAME padding: `(N, C, H, W)` → `(N, out_channels, ceil(H/stride), ceil(W/stride))`.

    Where the stride is 1 and the kernel odd, `nn.Conv2d(..., padding=kernel_size // 2)` is the same.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """The convolved maps."""
        (top, bottom), (left, right) = _paddings(input, self.kernel_size, self.stride)
        if top == bottom and left == right:  # the convolution pads by itself, without a copy
            return functional.conv2d(input, self.weight, self.bias, self.stride, (top, left))
        padded = functional.pad(input, (left, right, top, bottom))
        return functional.conv2d(padded, self.weight, self.bias, self.stride)


class SameMaxPool2d(nn.Module):
    """A max-pooling with SAME padding: `(N, C, H, W)` → `(N, C, ceil(H/stride), ceil(W/stride))`.

    The stride is the kernel size unless given.
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride or kernel_size

    def forward(self, maps: Tensor) -> Tensor:
        """The largest value under each window."""
        kernel_size, stride = (self.kernel_size,) * 2, (self.stride,) * 2
        (top, bottom), (left, right) = _paddings(maps, kernel_size, stride)
        if top == bottom and left == right:  # the pooling pads with −∞ by itself, without a copy
            return functional.max_pool2d(maps, kernel_size, stride, (top, left))
        padded = functional.pad(maps, (left, right, top, bottom), value=float("-inf"))
        return functional.max_pool2d(padded, kernel_size, stride)

    def extra_repr(self) -> str:
        """What `print(network)` says of it."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding=same"


def _paddings(
    maps: Tensor, kernel_size: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    height, width = maps.shape[-2:]
    return same_padding(height, kernel_size[0], stride[0]), same_padding(width, kernel_size[1], stride[1])
