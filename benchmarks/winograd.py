"""Winograd's convolution by batched matrix products beside the library's, on VGG-16's layers.

    python benchmarks/winograd.py [LAYER …]

F(4×4, 3×3) computes 4 × 4 outputs from 6 × 6 inputs with 36 products in place of 144 (Lavin & Gray, *Fast
algorithms for convolutional neural networks*, 2016). The weights are transformed beforehand, as to predict.
The error is the largest difference from float64 over the largest output.
"""

import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from speed_results import keep, prepare_process, timed
from torch import Tensor

BATCH, ROUNDS = 8, 7
LAYERS = {
    "64 → 64, 224 px": (64, 64, 224),
    "128 → 128, 112 px": (128, 128, 112),
    "256 → 256, 56 px": (256, 256, 56),
    "512 → 512, 28 px": (512, 512, 28),
    "512 → 512, 14 px": (512, 512, 14),
}
"""Channels in and out, side: one of each block of VGG-16."""

INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
WEIGHT = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    dtype=torch.float64,
)
OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)


def transform_weight(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """`(K, C, 3, 3)` → `(36, C, K)`."""
    found = torch.einsum("ia,kcab,jb->ijck", WEIGHT, weight.double(), WEIGHT)
    return found.flatten(0, 1).to(dtype).contiguous()


def winograd(images: Tensor, weight: Tensor) -> Tensor:
    """Images `(N, H, W, C)`, a transformed weight `(36, C, K)` → `(N, H, W, K)`; 3 × 3, padded by one.

    The transforms compute in the images' format, the products in the weight's.
    """
    count, height, width, channels = images.shape
    rows, columns = -(-height // 4), -(-width // 4)
    down, right = 4 * rows - height, 4 * columns - width
    padded = F.pad(images, (0, 0, 1, 1 + right, 1, 1 + down))
    tiles = torch.stack(
        [padded[:, i : i + 4 * rows - 3 : 4, j : j + 4 * columns - 3 : 4] for i in range(6) for j in range(6)]
    )
    spread = both_axes(INPUT.to(images.dtype), tiles.view(6, 6, -1)).view(36, -1, channels)
    products = torch.bmm(spread.to(weight.dtype), weight).to(images.dtype)
    gathered = both_axes(OUTPUT.to(images.dtype), products.view(6, 6, -1))
    blocks = gathered.view(4, 4, count, rows, columns, weight.shape[-1]).permute(2, 3, 0, 4, 1, 5)
    return blocks.reshape(count, 4 * rows, 4 * columns, -1)[:, :height, :width]


def both_axes(matrix: Tensor, tiles: Tensor) -> Tensor:
    """`matrix (m, 6)` on both sides of tiles `(6, 6, P)` → `(m, m, P)`."""
    rows = (matrix @ tiles.flatten(1)).view(len(matrix), 6, -1)
    return matrix @ rows


def ways(layer: tuple[int, int, int]) -> tuple[dict[str, Callable[[], Tensor]], Tensor]:
    """The library's convolution and Winograd's, in both formats, and the true output `(N, K, H, W)`."""
    channels, outputs, side = layer
    random = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, channels, side, side, generator=random).relu()
    weight = torch.randn(outputs, channels, 3, 3, generator=random) * (2 / (9 * channels)) ** 0.5
    found: dict[str, Callable[[], Tensor]] = {}
    for name, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        last = images.to(dtype).contiguous(memory_format=torch.channels_last)
        plain = weight.to(dtype).contiguous(memory_format=torch.channels_last)
        spread, nhwc = transform_weight(weight, dtype), last.permute(0, 2, 3, 1)
        found[name] = lambda last=last, plain=plain: F.conv2d(last, plain, padding=1)
        found[f"Winograd, {name}"] = lambda nhwc=nhwc, spread=spread: winograd(nhwc, spread).permute(
            0, 3, 1, 2
        )
        single = images.permute(0, 2, 3, 1).contiguous()
        if dtype == torch.bfloat16:
            found["Winograd, products alone in bfloat16"] = lambda single=single, spread=spread: winograd(
                single, spread
            ).permute(0, 3, 1, 2)
    true = F.conv2d(images[:1].double(), weight.double(), padding=1)
    return found, true


def main() -> None:
    prepare_process()
    for name in sys.argv[1:] or LAYERS:
        with torch.inference_mode():
            found, true = ways(LAYERS[name])
            errors = {
                way: ((call()[:1].double() - true).abs().max() / true.abs().max()).item()
                for way, call in found.items()
            }
            row = timed(found, ROUNDS)
        row["errors"] = errors
        keep("winograd", name, row)


if __name__ == "__main__":
    main()
