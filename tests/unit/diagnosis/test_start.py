"""The start: E3 explodes, E4 vanishes, and networks that start by the book are left in peace."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from convscope.config.asked import NetworkConfig, TrainingConfig
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.start import signal, start_loss, step_size
from convscope.inspection.signals.passage import Passage, pass_there_and_back
from convscope.networks.build import build_network

CLASSES = tuple("abcdefghij")
SOUND = ("linear", "fully-connected", "two-conv", "conv4", "conv-dropout", "small-resnet", "vgg12")


def strokes(count: int = 24) -> Tensor:
    """Standardised grey pictures of one stroke each."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(count, 1, 28, 28)
    for number in range(count):
        row, column = torch.randint(3, 17, (2,), generator=generator).tolist()
        images[number, 0, row : row + 8, column : column + 3] = 1
    return (images - images.mean()) / images.std()


def started(config: NetworkConfig) -> Passage:
    network = build_network(config, in_channels=1, image_size=(28, 28), num_classes=10, seed=0)
    images = strokes()
    return pass_there_and_back(network, images, torch.arange(len(images)) % 10, batch_statistics=True)


@pytest.mark.parametrize("name", SOUND)
def test_networks_that_start_by_the_book_pass(name: str) -> None:
    start = started(NetworkConfig(name=name))
    assert signal(start, NetworkConfig(name=name)).findings == ()
    assert start_loss(start, CLASSES, NetworkConfig(name=name)).findings == ()


@pytest.mark.parametrize(
    ("scale", "name", "advice"),
    [(1.0, "signal-explodes", "--initialiser he"), (0.01, "signal-vanishes", "without --initial-scale")],
)
def test_a_bad_start_is_told_with_the_number_that_is_right(scale: float, name: str, advice: str) -> None:
    config = NetworkConfig(name="conv4", initialiser="normal", initial_std=1.0, initial_scale=scale)
    (found,) = signal(started(config), config).findings
    assert (found.name, found.severity) == (name, "error")
    assert advice in found.advice
    assert "He's for its" in found.evidence


def test_a_network_that_is_sure_at_the_start_is_told() -> None:
    config = NetworkConfig(name="conv4", initialiser="normal", initial_std=1.0)
    (found,) = start_loss(started(config), CLASSES, config).findings
    assert found.name == "start-sure"
    assert "ln 10 = 2.30" in found.sentence


def test_values_that_are_all_alike_are_lost() -> None:
    config = NetworkConfig(name="two-conv", initial_scale=1e-30)
    (found,) = signal(started(config), config).findings
    assert found.name == "signal-lost"


def asked(**values: Any) -> TrainingConfig:
    base: Mapping[str, Any] = {"optimizer": "adam", "learning_rate": 1e-3, "steps": 1}
    return TrainingConfig(**{**base, **values})


def test_a_rate_that_forgets_the_weights_in_a_step_is_too_high_and_a_usual_one_is_not() -> None:
    start = started(NetworkConfig(name="two-conv"))
    assert step_size(start, asked()).findings == ()
    (found,) = step_size(start, asked(learning_rate=0.7)).findings
    assert found.name == "rate-too-high"
    with pytest.raises(AbsentError, match="one layer"):
        step_size(started(NetworkConfig(name="linear")), asked(learning_rate=0.7))
    with pytest.raises(AbsentError, match="sgd"):
        step_size(start, asked(optimizer="sgd"))


def test_the_network_is_given_back_as_it_was() -> None:
    network = build_network(
        NetworkConfig(name="small-resnet"), in_channels=1, image_size=(28, 28), num_classes=10, seed=0
    )
    before = {name: value.clone() for name, value in network.state_dict().items()}
    was_training = network.training
    pass_there_and_back(network, strokes(), torch.arange(24) % 10, batch_statistics=True)
    assert network.training == was_training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_gradients_are_those_of_the_loss() -> None:
    """Of a linear layer, by hand: the gradient by the logits is (softmax − truth) / N."""
    network = build_network(
        NetworkConfig(name="linear"), in_channels=1, image_size=(28, 28), num_classes=10, seed=0
    )
    images, labels = strokes(), torch.arange(24) % 10
    found = pass_there_and_back(network, images, labels)
    with torch.no_grad():
        by_hand = (network(images).softmax(1) - torch.eye(10)[labels]) / 24
    assert found.stages[-1].gradient == pytest.approx(by_hand.square().mean().sqrt().item(), rel=1e-5)
