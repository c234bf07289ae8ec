"""vgg12: ten 3×3 convolutions and two fully connected layers, for small images.

The image is padded with zeros evenly to a multiple of 16, so that four poolings halve it without a rest:
28×28 becomes 32×32, and the first fully connected layer sees 512·2·2 = 2,048 values.
"""

from torch import nn

from convscope.networks.vgg import convolution_blocks

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))


class VGG12(nn.Sequential):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`.

    The layers: pad, conv1_1 … conv4_3, fully_connected5, dropout5, logits6. No dropout at 0.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: tuple[int, int],
        num_classes: int,
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        height, width = (-(-side // 16) for side in image_size)
        tall, wide = 16 * height - image_size[0], 16 * width - image_size[1]  # an odd pixel goes after
        layers = convolution_blocks(in_channels, BLOCKS, batch_norm)  # (N, 512, H/16, W/16)
        layers["pad"] = nn.ZeroPad2d((wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
        layers.move_to_end("pad", last=False)
        layers["flatten"] = nn.Flatten()
        layers["fully_connected5"] = nn.Linear(512 * height * width, 4096)
        layers["relu5"] = nn.ReLU()
        layers["dropout5"] = nn.Dropout(dropout)
        layers["logits6"] = nn.Linear(4096, num_classes)
        super().__init__(layers)
