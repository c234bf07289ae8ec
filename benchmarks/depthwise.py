"""Depthwise convolutions of EfficientNet-Lite0 in bfloat16 and float32: forward, and the two backward passes.

python benchmarks/depthwise.py
"""

from collections.abc import Callable

import torch
from speed_results import keep, prepare_process, timed
from torch.nn.functional import conv2d

BATCH, ROUNDS = 16, 7
LAYERS = {
    "96 channels, 3 × 3, stride 2, 128 px": (96, 3, 2, 128),
    "144 channels, 3 × 3, stride 1, 64 px": (144, 3, 1, 64),
    "240 channels, 5 × 5, stride 1, 32 px": (240, 5, 1, 32),
    "672 channels, 5 × 5, stride 1, 16 px": (672, 5, 1, 16),
}
PASSES = ("forward", "gradient of the input", "gradient of the weight")


def one_pass(name: str, layer: tuple[int, int, int, int], dtype: torch.dtype) -> Callable[[], object]:
    """Channels last, as convscope computes."""
    channels, kernel, stride, side = layer
    random = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, channels, side, side, generator=random).to(dtype)
    images = images.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, 1, kernel, kernel, generator=random).to(dtype)
    padding = kernel // 2
    if name == "forward":
        return lambda: conv2d(images, weight, None, stride, padding, 1, channels)
    gradient = torch.ones_like(conv2d(images, weight, None, stride, padding, 1, channels))
    wanted = [name.endswith(what) for what in ("input", "weight")] + [False]
    geometry = ((stride, stride), (padding, padding), (1, 1), False, (0, 0), channels, wanted)
    return lambda: torch.ops.aten.convolution_backward(gradient, images, weight, None, *geometry)


def main() -> None:
    prepare_process()
    for name, layer in LAYERS.items():
        for what in PASSES:
            ways = {
                "bfloat16": one_pass(what, layer, torch.bfloat16),
                "float32": one_pass(what, layer, torch.float32),
            }
            keep("depthwise", f"{name}: {what}", timed(ways, ROUNDS))


if __name__ == "__main__":
    main()
