"""Softmax regression: one fully connected layer from pixels to logits."""

import math

from torch import Tensor, nn


class Linear(nn.Module):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`; 784→10 for MNIST."""

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.logits = nn.Linear(in_channels * math.prod(image_size), num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        logits: Tensor = self.logits(images.flatten(1))
        return logits
