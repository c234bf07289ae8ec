"""VGG: blocks of 3×3 convolutions, each halved by a max-pooling, then three fully connected layers.

Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014).
Batch normalisation (Ioffe and Szegedy 2015) is an addition to it.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

BLOCKS = {
    11: ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    13: ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512)),
    16: ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    19: ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4),
}
"""Channels of each convolution, block by block, for each depth (layers with weights)."""

MINIMUM_SIDE = 32
"""Five halvings leave one pixel of it."""


class VGG(nn.Sequential):
    """Images `(N, C, H, W)`, sides ≥ 32 → logits `(N, num_classes)`.

    The layers are named as in the literature: conv1_1 … conv5_3, fully_connected6, fully_connected7, logits8.
    On images that are not 224×224 the first fully connected layer has 512·(H // 32)·(W // 32) inputs.
    """

    def __init__(
        self,
        depth: int,
        in_channels: int,
        image_size: tuple[int, int],
        num_classes: int,
        dropout: float = 0.5,
        batch_norm: bool = False,
    ) -> None:
        height, width = (side // 32 for side in image_size)
        layers = convolution_blocks(in_channels, BLOCKS[depth], batch_norm)  # (N, 512, H/32, W/32)
        layers["flatten"] = nn.Flatten()
        layers["fully_connected6"] = nn.Linear(512 * height * width, 4096)
        layers["relu6"] = nn.ReLU()
        layers["dropout6"] = nn.Dropout(dropout)
        layers["fully_connected7"] = nn.Linear(4096, 4096)
        layers["relu7"] = nn.ReLU()
        layers["dropout7"] = nn.Dropout(dropout)
        layers["logits8"] = nn.Linear(4096, num_classes)
        super().__init__(layers)


def convolution_blocks(
    in_channels: int, blocks: Sequence[Sequence[int]], batch_norm: bool
) -> OrderedDict[str, nn.Module]:
    """The layers conv1_1, relu1_1, … pool1, conv2_1, …; each pooling halves the sides, rounding down.

    With `batch_norm` a layer norm1_1 stands between conv1_1 and relu1_1, and takes over its bias.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block, widths in enumerate(blocks, start=1):
        for index, out_channels in enumerate(widths, start=1):
            place = f"{block}_{index}"
            layers[f"conv{place}"] = nn.Conv2d(
                in_channels, out_channels, kernel_size=3, padding=1, bias=not batch_norm
            )
            if batch_norm:
                layers[f"norm{place}"] = nn.BatchNorm2d(out_channels)
            layers[f"relu{place}"] = nn.ReLU()
            in_channels = out_channels
        layers[f"pool{block}"] = nn.MaxPool2d(kernel_size=2)
    return layers
