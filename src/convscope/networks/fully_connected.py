"""Two hidden layers of 500 units: 784→500→500→10 for MNIST."""

import math

from torch import Tensor, nn


class FullyConnected(nn.Module):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`, without looking at where a pixel is."""

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.fully_connected1 = nn.Linear(in_channels * math.prod(image_size), 500)
        self.relu1 = nn.ReLU()
        self.fully_connected2 = nn.Linear(500, 500)
        self.relu2 = nn.ReLU()
        self.logits = nn.Linear(500, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        hidden = self.relu1(self.fully_connected1(images.flatten(1)))  # (N, 500)
        hidden = self.relu2(self.fully_connected2(hidden))  # (N, 500)
        logits: Tensor = self.logits(hidden)
        return logits
