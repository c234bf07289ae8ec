"""Four 3×3 convolutions, two poolings, one fully connected layer: small enough to watch its signals."""

from torch import Tensor, nn

from convscope.networks.padding import SameMaxPool2d, same_output_size


class Conv4(nn.Module):
    """Images `(N, C, H, W)` → logits `(N, num_classes)`; SAME padding throughout."""

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        height, width = (same_output_size(same_output_size(side, 2), 2) for side in image_size)
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(64, 64, kernel_size=3, padding=1)
        self.relu2 = nn.ReLU()
        self.pool2 = SameMaxPool2d(kernel_size=2)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3, padding=1)
        self.relu3 = nn.ReLU()
        self.conv4 = nn.Conv2d(128, 128, kernel_size=3, padding=1)
        self.relu4 = nn.ReLU()
        self.pool4 = SameMaxPool2d(kernel_size=2)
        self.logits = nn.Linear(128 * height * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.conv1(images))  # (N, 64, H, W)
        features = self.pool2(self.relu2(self.conv2(features)))  # (N, 64, H/2, W/2)
        features = self.relu3(self.conv3(features))  # (N, 128, H/2, W/2)
        features = self.pool4(self.relu4(self.conv4(features)))  # (N, 128, H/4, W/4)
        logits: Tensor = self.logits(features.flatten(1))
        return logits
