"""The statistics that evaluation normalises by are those of the weights as they are."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import convscope
from convscope.runs.folder import Run
from convscope.training.batch_statistics import layers_that_follow_batches, measure_batch_statistics

Train = Callable[..., Run]


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.BatchNorm2d(4))


@pytest.fixture
def batches() -> list[Tensor]:
    return list((torch.randn(24, 3, 9, 9) * 3 + 1).split(8))


def test_they_are_the_averages_over_the_batches(network: nn.Module, batches: list[Tensor]) -> None:
    measure_batch_statistics(network, ["1"], batches)
    with torch.no_grad():
        values = [network[0](batch) for batch in batches]
    norm = network[1]
    means = torch.stack([value.mean((0, 2, 3)) for value in values])
    variances = torch.stack([value.var((0, 2, 3)) for value in values])
    assert torch.allclose(norm.running_mean, means.mean(0), atol=1e-5)
    assert torch.allclose(norm.running_var, variances.mean(0), atol=1e-4)


def test_nothing_else_changes(network: nn.Module, batches: list[Tensor]) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network[1].momentum = 0.3
    network.train()
    network[3].eval()
    measure_batch_statistics(network, layers_that_follow_batches(network), batches)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert network[1].momentum == 0.3
    assert [module.training for module in network] == [True, True, True, False]


def test_an_error_gives_the_network_back(network: nn.Module, batches: list[Tensor]) -> None:
    with pytest.raises(RuntimeError):
        measure_batch_statistics(network, ["1", "3"], [batches[0], torch.zeros(2, 5, 9, 9)])
    assert [module.momentum for module in (network[1], network[3])] == [0.1, 0.1]
    assert all(module.training for module in network)


def test_dropout_does_not_disturb_them(network: nn.Module, batches: list[Tensor]) -> None:
    measure_batch_statistics(network, ["1", "3"], batches)
    first = network[3].running_var.clone()
    measure_batch_statistics(network, ["1", "3"], batches)
    assert torch.equal(network[3].running_var, first)


@pytest.mark.parametrize("ema", [None, 0.5])
def test_a_classifier_is_right_although_its_weights_moved_fast(train: Train, ema: float | None) -> None:
    """Three steps at a high rate: the running average is still mostly its start, mean 0 and variance 1."""
    settings = {"network": "small-resnet", "optimizer": "sgd", "schedule": "constant", "precision": "float32"}
    run = train(**settings, learning_rate=0.05, steps=3, ema=ema)
    classifier = convscope.load(run.path)
    norm = classifier.network.norm1
    assert norm.num_batches_tracked == 3  # of the three batches of an epoch, not of the three steps
    images = torch.from_numpy(run.read_arrays("predictions/images.npz")["images"])  # (N, H, W, C)
    inputs = classifier.preprocessing.standardise(images.permute(0, 3, 1, 2))
    with torch.no_grad():
        values = classifier.network.conv1(inputs)
    relative = (values.mean((0, 2, 3)) - norm.running_mean) / norm.running_var.sqrt()
    assert relative.abs().max() < 0.2
