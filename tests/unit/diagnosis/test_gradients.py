"""Gradients on their way back, layer by layer, and answers that are surer than an answer can be."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.confidence import saturated
from convscope.diagnosis.rules.gradients import gradients
from convscope.evaluation.predictions import Predictions
from convscope.inspection.signals.passage import pass_there_and_back
from convscope.networks.build import build_network

SOUND = ("fully-connected", "two-conv", "conv4", "conv-dropout", "small-resnet", "vgg12", "whitened-vgg")


def pictures(channels: int = 1, side: int = 28, count: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, channels, side, side, generator=generator)


def classes(images: Tensor) -> Tensor:
    return torch.arange(len(images)) % 10


@pytest.mark.parametrize("name", SOUND)
def test_networks_that_start_by_the_book_hand_gradients_on(name: str) -> None:
    images = pictures(3, 32) if name == "whitened-vgg" else pictures()
    network = build_network(
        NetworkConfig(name=name),
        in_channels=images.shape[1],
        image_size=(images.shape[2], images.shape[3]),
        num_classes=10,
        seed=0,
    )
    start = pass_there_and_back(network, images, classes(images), batch_statistics=True)
    found = gradients(start)
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
    (found,) = gradients(pass_there_and_back(network, images, classes(images))).findings
    assert (found.name, found.severity) == (name, "error")
    assert "keeps the gradients' size is 0.177" in found.evidence  # sqrt(2 / 64)


def test_a_layer_that_no_gradient_reaches_is_named() -> None:
    network = deep(1.0, non_linearity=nn.ReLU)
    with torch.no_grad():
        network[5].bias.fill_(-1e4)  # type: ignore[union-attr, operator]
    images = pictures()
    (found,) = gradients(pass_there_and_back(network, images, classes(images))).findings
    assert found.name == "gradient-lost"


def test_one_layer_hands_nothing_on() -> None:
    images = pictures()
    start = pass_there_and_back(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), images, classes(images))
    with pytest.raises(AbsentError, match="two layers"):
        gradients(start)


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
    assert saturated(judged(3.0)).findings == ()
    (found,) = saturated(judged(300.0)).findings
    assert found.name == "softmax-saturated"
    assert found.p is not None
    assert found.p < 1e-6
    with pytest.raises(AbsentError, match="too few"):
        saturated(judged(300.0, 30))
