"""The statistics that evaluation normalises by are those of the weights as they are."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import convscope
from convscope.errors import UsageError
from convscope.runs.folder import Run
from convscope.training.updating.batch_statistics import (
    layers_that_follow_batches,
    measure_batch_statistics,
    refuse_single_values,
)

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


def averaged() -> nn.Sequential:
    """Its second normalisation sees one value a channel of an image, whatever the image's size."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(4)
    )


@pytest.mark.parametrize(
    ("batch_size", "num_images", "why", "advice"),
    [
        (1, 9, "each step has one image", "--batch-size 3 or more"),
        (2, 9, "of 9 training images in steps of up to 2 one step gets a single image", "--batch-size 3"),
        (2, 3, "of 3 training images", "--batch-size 3"),
        (1, 2, "each step has one image", "--batch-size 2"),
        (32, 1, "there is one image to train on", "more images"),
    ],
)
def test_a_single_value_to_normalise_is_refused_with_layer_batch_and_remedy(
    batch_size: int, num_images: int, why: str, advice: str
) -> None:
    network, image = averaged().train(), torch.zeros(1, 3, 9, 9)
    with pytest.raises(UsageError) as error:
        refuse_single_values(network, image, batch_size=batch_size, num_images=num_images)
    message = str(error.value)
    assert "layer '4'" in message
    assert why in message
    assert advice in message
    assert "larger images" not in message  # they would be averaged to one value all the same


def test_a_map_of_one_place_is_refused_and_larger_images_are_among_the_remedies(network: nn.Module) -> None:
    with pytest.raises(UsageError, match=r"4 channels.*larger images"):
        refuse_single_values(network.train(), torch.zeros(1, 3, 3, 3), batch_size=1, num_images=5)
    refuse_single_values(network, torch.zeros(1, 3, 4, 3), batch_size=1, num_images=5)


def is_refused(network: nn.Module, batch_size: int, num_images: int) -> bool:
    try:
        refuse_single_values(network, torch.zeros(1, 3, 9, 9), batch_size=batch_size, num_images=num_images)
    except UsageError:
        return True
    return False


def test_two_images_a_step_and_frozen_statistics_are_let_pass() -> None:
    network = averaged().train()
    assert is_refused(network, batch_size=1, num_images=8)
    assert not is_refused(network, batch_size=2, num_images=8)
    assert not is_refused(network, batch_size=32, num_images=33)  # 17 and 16
    network[4].eval()
    assert not is_refused(network, batch_size=1, num_images=1)


def test_looking_for_single_values_changes_nothing() -> None:
    network = averaged().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(UsageError):
        refuse_single_values(network, torch.ones(1, 3, 9, 9), batch_size=1, num_images=2)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_training_stops_before_its_first_step_where_a_layer_would_have_one_value(
    train: Train, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"layer 'norm2'.*--batch-size 2"):
        train(network="counter", batch_size=1, steps=3)
    assert not list((tmp_path / "runs").glob("*"))
    assert train(network="two-conv", batch_size=1, steps=2).metrics()
