"""The networks that every inspection must work on."""

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SmallConv(nn.Module):
    """conv, batch norm, ReLU in place, max-pool, conv, ReLU, linear: for 1×12×12 images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu1 = nn.ReLU(inplace=True)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.relu2 = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(6 * 6 * 6, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool1(self.relu1(self.bn1(self.conv1(images))))
        features = self.relu2(self.conv2(features))
        return self.head(self.dropout(features.flatten(1)))


class TinyResidual(nn.Module):
    """A residual sum, a stride and functional ReLUs, one of them in place: for 3×16×16 images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.stem(images))
        inside = F.relu(self.bn1(self.conv1(features)), inplace=True)
        features = torch.relu(features + self.bn2(self.conv2(inside)))
        return self.head(features.mean(dim=(2, 3)))


def _settled(network: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """Give batch normalisation some statistics, so that eval mode is not the identity."""
    network.train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
        for _ in range(2):
            network(torch.randn(4, *shape))
    return network.eval()


def _make(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    torch.manual_seed(3)
    match name:
        case "small":
            network, shape = SmallConv(), (1, 12, 12)
        case "residual":
            network, shape = TinyResidual(), (3, 16, 16)
        case _:
            network, shape = timm.create_model(name, pretrained=False, num_classes=3), (3, 64, 64)
    return _settled(network, shape), shape


@pytest.fixture(scope="session")
def made():
    """Networks by name with the shape of their images, each made once."""
    cache: dict[str, tuple[nn.Module, tuple[int, int, int]]] = {}

    def get(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
        if name not in cache:
            cache[name] = _make(name)
        return cache[name]

    return get


@pytest.fixture(scope="session")
def small(made) -> nn.Module:
    return made("small")[0]


@pytest.fixture(scope="session")
def residual(made) -> nn.Module:
    return made("residual")[0]


@pytest.fixture
def images():
    """Seeded standardised images."""

    def make(count: int, shape: tuple[int, int, int], seed: int = 0) -> Tensor:
        return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))

    return make
