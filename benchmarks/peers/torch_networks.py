"""The networks of the rows in plain PyTorch, for every peer that trains a torch module.

The same layers as convscope's two-conv, vgg12 and small-resnet, with PyTorch's own initial weights.
"""

import torch
from torch import Tensor, nn


def two_conv() -> nn.Sequential:
    """(N, 1, 28, 28) → (N, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(16, 36, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(1764, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def vgg12() -> nn.Sequential:
    """(N, 1, 32, 32) → (N, 10): ten 3×3 convolutions in four blocks, and two fully connected layers."""
    layers: list[nn.Module] = []
    channels = 1
    for block in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512)):
        for width in block:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 4096), nn.ReLU(), nn.Linear(4096, 10))


def small_resnet() -> nn.Sequential:
    """(N, 3, 32, 32) → (N, 10): a stem of 32 channels and three residual blocks; 0.7 million parameters."""
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(Residual(32, 48), Residual(48, 96), Residual(96, 192)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, 10)),
    )


class Residual(nn.Module):
    """(N, C, H, W) → (N, width, H/2, W/2)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *(nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)),
            *(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, 2, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.change(features) + self.shortcut(features))
