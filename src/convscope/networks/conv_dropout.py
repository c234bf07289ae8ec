"""Two wide 5×5 convolutions, a layer of 1,024 units and dropout before the last.

Max-pooling stands before the ReLU for the reason given in `two_conv.py`.
"""

import math

from torch import Tensor, nn


class ConvDropout(nn.Module):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`; halves are rounded up.

    `dropout` is the probability of dropping a unit: 0.25 keeps three of four.
    """

    def __init__(
        self, in_channels: int, image_size: tuple[int, int], num_classes: int, dropout: float = 0.25
    ) -> None:
        super().__init__()
        height, width = (math.ceil(side / 4) for side in image_size)
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=5, padding=2)
        self.pool1 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.pool2 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.relu2 = nn.ReLU()
        self.fully_connected = nn.Linear(64 * height * width, 1024)
        self.relu3 = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(1024, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.pool1(self.conv1(images)))  # (N, 32, H/2, W/2)
        features = self.relu2(self.pool2(self.conv2(features)))  # (N, 64, H/4, W/4)
        hidden = self.relu3(self.fully_connected(features.flatten(1)))  # (N, 1024)
        logits: Tensor = self.logits(self.dropout(hidden))
        return logits
