"""Four 3×3 convolutions, two poolings, one fully connected layer: small enough to watch its signals."""

import math

from torch import Tensor, nn


class Conv4(nn.Module):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`; halves are rounded up."""

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        height, width = (math.ceil(side / 4) for side in image_size)
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(64, 64, kernel_size=3, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU()
        self.conv4 = nn.Conv2d(128, 128, kernel_size=3, padding=1)
        self.relu4 = nn.ReLU()
        self.pool4 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.logits = nn.Linear(128 * height * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.conv1(images))  # (N, 64, H, W)
        features = self.pool2(self.relu2(self.conv2(features)))  # (N, 64, H/2, W/2)
        features = self.relu3(self.conv3(features))  # (N, 128, H/2, W/2)
        features = self.pool4(self.relu4(self.conv4(features)))  # (N, 128, H/4, W/4)
        logits: Tensor = self.logits(features.flatten(1))
        return logits
