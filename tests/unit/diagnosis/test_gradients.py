"""Gradients on their way back, layer by layer, and answers that are surer than an answer can be."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.confidence import saturated
from convscope.diagnosis.rules.gradients import gradients
from convscope.diagnosis.rules.start import signal
from convscope.evaluation.predictions import Predictions
from convscope.inspection.signals.passage import pass_there_and_back
from convscope.networks.build import build_network

PLAIN = NetworkConfig(name="conv4")
SOUND = ("fully-connected", "two-conv", "conv4", "conv-dropout", "small-resnet", "vgg12", "whitened-vgg")
SOUND += ("timm:resnet18",)


def pictures(channels: int = 1, side: int = 28, count: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, channels, side, side, generator=generator)


def classes(images: Tensor) -> Tensor:
    return torch.arange(len(images)) % 10


@pytest.mark.parametrize("name", SOUND)
def test_networks_that_start_by_the_book_hand_gradients_on(name: str) -> None:
    images = pictures(3, 32) if name in ("whitened-vgg", "timm:resnet18") else pictures()
    network = build_network(
        NetworkConfig(name=name),
        in_channels=images.shape[1],
        image_size=(images.shape[2], images.shape[3]),
        num_classes=10,
        seed=0,
    )
    start = pass_there_and_back(network, images, classes(images), batch_statistics=True)
    found = gradients(start, NetworkConfig(name=name))
    assert found.findings == ()
    assert "keep their size" in found.fine


def deep(scale: float, layers: int = 12, non_linearity: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Fully connected layers whose weights have `scale` times the deviation that keeps gradients."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten())
    for _ in range(layers):
        layer = nn.Linear(28 * 28 if len(network) == 1 else 64, 64)
        nn.init.normal_(layer.weight, std=scale * 64**-0.5)
        network.extend([layer, non_linearity()])
    return network.append(nn.Linear(64, 10))


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (deep(1.0, non_linearity=nn.Sigmoid), "gradient-vanishes"),
        (deep(0.3), "gradient-vanishes"),
        (deep(4.0, non_linearity=nn.ReLU), "gradient-explodes"),
    ],
)
def test_a_deep_network_whose_gradients_get_lost_is_told_with_the_size_that_is_right(
    network: nn.Module, name: str
) -> None:
    images = pictures()
    (found,) = gradients(pass_there_and_back(network, images, classes(images)), PLAIN).findings
    assert (found.name, found.severity) == (name, "error")
    assert "keeps the gradients' size is 0.177" in found.evidence  # sqrt(2 / 64)


def test_a_layer_that_no_gradient_reaches_is_named() -> None:
    network = deep(1.0, non_linearity=nn.ReLU)
    with torch.no_grad():
        network[5].bias.fill_(-1e4)  # type: ignore[union-attr, operator]
    images = pictures()
    (found,) = gradients(pass_there_and_back(network, images, classes(images)), PLAIN).findings
    assert found.name == "gradient-lost"


class Branches(nn.Module):
    """Residual blocks behind one convolution; the last layer of each branch starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(1, 8, 3)
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
            for _ in range(3)
        )
        for branch in self.branches:
            nn.init.zeros_(branch[2].weight)  # type: ignore[index]
            nn.init.zeros_(branch[2].bias)  # type: ignore[index]
        self.head = nn.Linear(8, 10)

    def forward(self, images: Tensor) -> Tensor:
        values = self.stem(images).relu()
        for branch in self.branches:
            values = (values + branch(values)).relu()
        return self.head(values.mean((2, 3)))


def test_branches_that_start_closed_lose_no_gradient_and_a_dead_trunk_does() -> None:
    network, images = Branches(), pictures()
    start = pass_there_and_back(network, images, classes(images))
    assert sum(each.gradient == 0 for each in start.stages) == 3
    assert gradients(start, PLAIN).findings == ()
    assert "over 4 layers" in gradients(start, PLAIN).fine
    assert signal(start, PLAIN).findings == ()
    with torch.no_grad():
        network.stem.bias.fill_(-1e4)
    (found,) = gradients(pass_there_and_back(network, images, classes(images)), PLAIN).findings
    assert found.name == "gradient-lost"


def test_a_branch_whose_values_are_all_alike_is_no_lost_signal() -> None:
    network, images = Branches(), pictures()
    with torch.no_grad():
        network.branches[1][0].weight.zero_()  # type: ignore[index]
        network.branches[1][0].bias.zero_()  # type: ignore[index]
    start = pass_there_and_back(network, images, classes(images))
    assert any(each.values == 0 for each in start.stages)
    assert signal(start, PLAIN).findings == ()


def test_a_last_layer_that_starts_at_zero_is_left_in_peace_and_what_is_dead_before_it_is_not() -> None:
    network, images = deep(1.0, non_linearity=nn.ReLU), pictures()
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    start = pass_there_and_back(network, images, classes(images))
    assert signal(start, PLAIN).findings == ()
    with pytest.raises(AbsentError, match="starts at 0"):
        gradients(start, PLAIN)
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    dead = pass_there_and_back(network, images, classes(images))
    assert [each.name for each in signal(dead, PLAIN).findings] == ["signal-lost"]
    assert [each.name for each in gradients(dead, PLAIN).findings] == ["gradient-lost"]


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        (NetworkConfig(name="vgg12"), "--batch-norm"),
        (NetworkConfig(name="vgg12", batch_norm=True), "another --network"),
        (NetworkConfig(name="two-conv"), "another --network"),
        (NetworkConfig(name="two-conv", initialiser="normal", initial_std=1.0), "--initialiser he"),
        (NetworkConfig(name="timm:resnet18"), "another --network"),
    ],
)
def test_only_a_start_that_the_network_can_have_is_advised(config: NetworkConfig, advice: str) -> None:
    network, images = deep(0.3), pictures()
    (found,) = gradients(pass_there_and_back(network, images, classes(images)), config).findings
    assert advice in found.advice
    named = [flag for flag in ("--batch-norm", "--initialiser", "--network") if flag in found.advice]
    assert len(named) == 1


def test_one_layer_hands_nothing_on() -> None:
    images = pictures()
    start = pass_there_and_back(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), images, classes(images))
    with pytest.raises(AbsentError, match="two layers"):
        gradients(start, PLAIN)


def judged(scale: float, count: int = 200) -> Predictions:
    """Three in ten of the answers are wrong; logits are `scale` wide."""
    random = np.random.default_rng(0)
    logits = (scale * random.normal(size=(count, 4))).astype(np.float32)
    labels = np.where(random.random(count) < 0.3, (logits.argmax(1) + 1) % 4, logits.argmax(1))
    names = tuple(str(number) for number in range(count))
    return Predictions(
        split="test", logits=logits, labels=labels, ids=names, hashes=names, class_names=tuple("abcd")
    )


def test_answers_that_are_certain_and_wrong_are_told_and_unsure_ones_are_not() -> None:
    assert saturated(judged(3.0), PLAIN).findings == ()
    (found,) = saturated(judged(300.0), PLAIN).findings
    assert found.name == "softmax-saturated"
    assert "--initialiser he" in found.advice
    assert found.p is not None
    assert found.p < 1e-6
    with pytest.raises(AbsentError, match="too few"):
        saturated(judged(300.0, 30), PLAIN)
