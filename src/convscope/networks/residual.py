"""Residual networks for small images: each block adds what it has learned to what it was given.

Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015). For small images the
stem is one 3×3 convolution without pooling, as in that paper's networks for CIFAR-10.
"""

from torch import Tensor, nn


class ResNet18(nn.Module):
    """Images `(N, C, H, W)` of any size → logits `(N, num_classes)`; 11 million parameters.

    Four stages of two blocks, 64-128-256-512 channels; each after the first halves the sides.
    """

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU()
        self.stage1 = stage(64, 64, blocks=2, stride=1)
        self.stage2 = stage(64, 128, blocks=2, stride=2)
        self.stage3 = stage(128, 256, blocks=2, stride=2)
        self.stage4 = stage(256, 512, blocks=2, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.logits = nn.Linear(512, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.norm1(self.conv1(images)))  # (N, 64, H, W)
        features = self.stage1(features)  # (N, 64, H, W)
        features = self.stage2(features)  # (N, 128, H/2, W/2)
        features = self.stage3(features)  # (N, 256, H/4, W/4)
        features = self.stage4(features)  # (N, 512, H/8, W/8)
        logits: Tensor = self.logits(self.pool(features).flatten(1))
        return logits


class SmallResNet(nn.Module):
    """Images `(N, C, H, W)` of any size → logits `(N, num_classes)`; 0.7 million parameters.

    Made for two CPU cores and images up to about 64 pixels: a stem of 32 channels at full size, then three
    stages of one block, 48-96-192 channels, each of which halves the sides.
    """

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(32)
        self.relu1 = nn.ReLU()
        self.stage1 = stage(32, 48, blocks=1, stride=2)
        self.stage2 = stage(48, 96, blocks=1, stride=2)
        self.stage3 = stage(96, 192, blocks=1, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.logits = nn.Linear(192, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.norm1(self.conv1(images)))  # (N, 32, H, W)
        features = self.stage1(features)  # (N, 48, H/2, W/2)
        features = self.stage2(features)  # (N, 96, H/4, W/4)
        features = self.stage3(features)  # (N, 192, H/8, W/8)
        logits: Tensor = self.logits(self.pool(features).flatten(1))
        return logits


class ResidualBlock(nn.Module):
    """`relu(F(x) + shortcut(x))`, F being two 3×3 convolutions, each with batch normalisation.

    The shortcut is the identity, or a 1×1 convolution where the shape changes.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential()
            self.shortcut.add_module("conv", nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))
            self.shortcut.add_module("norm", nn.BatchNorm2d(out_channels))
        self.relu2 = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Maps `(N, in_channels, H, W)` → `(N, out_channels, ceil(H/stride), ceil(W/stride))`."""
        change = self.relu1(self.norm1(self.conv1(features)))
        change = self.norm2(self.conv2(change))
        output: Tensor = self.relu2(change + self.shortcut(features))
        return output


def stage(in_channels: int, out_channels: int, *, blocks: int, stride: int) -> nn.Sequential:
    """`blocks` residual blocks named block1, block2, …; the first changes channels and strides."""
    layers = nn.Sequential()
    for index in range(1, blocks + 1):
        layers.add_module(f"block{index}", ResidualBlock(in_channels, out_channels, stride))
        in_channels, stride = out_channels, 1
    return layers
