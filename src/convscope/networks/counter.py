"""A network that counts: what small neighbourhoods see, averaged over the whole image.

A count is a sum, so nothing may be lost on the way to it: there is no pooling but the last, in which every
place weighs alike. Between 45 and 49 things, one more moves that average by 2 % only: too little for a
linear layer to learn quickly. Batch normalisation (Ioffe & Szegedy 2015) of the averages leaves what images
differ in.
"""

from torch import Tensor, nn

from convscope.networks.residual import ResidualBlock


class Counter(nn.Module):
    """Images `(N, C, H, W)` of any size → logits `(N, num_classes)`; 0.08 million parameters.

    The units before the average see 25×25 pixels: things that touch each other, and little more.
    """

    def __init__(self, in_channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=5, stride=2, padding=2, bias=False)
        self.norm1 = nn.BatchNorm2d(32)
        self.relu1 = nn.ReLU()
        self.block1 = ResidualBlock(32, 32, stride=1)
        self.block2 = ResidualBlock(32, 64, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.norm2 = nn.BatchNorm1d(64)
        self.logits = nn.Linear(64, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, num_classes)`."""
        features = self.relu1(self.norm1(self.conv1(images)))  # (N, 32, H/2, W/2)
        features = self.block1(features)  # (N, 32, H/2, W/2)
        features = self.block2(features)  # (N, 64, H/4, W/4)
        averages = self.norm2(self.pool(features).flatten(1))  # (N, 64)
        logits: Tensor = self.logits(averages)
        return logits
