import math

import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.networks.initialisers import Initialiser, InitialValues, fill_weights, initialise


def drawn(name: Initialiser, shape: tuple[int, ...], std: float | None = None) -> torch.Tensor:
    weight = torch.empty(shape)
    fill_weights(weight, name, std=std, generator=torch.Generator().manual_seed(1))
    return weight


def small_network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 36, 100),
        nn.Linear(100, 10),
    )


def test_normal_has_the_given_spread() -> None:
    weight = drawn("normal", (200, 500), std=0.3)
    assert weight.std().item() == pytest.approx(0.3, rel=0.02)
    assert weight.abs().max() > 0.9


def test_truncated_normal_is_cut_at_two_standard_deviations() -> None:
    weight = drawn("truncated-normal", (200, 500), std=0.05)
    assert weight.abs().max() <= 0.1
    # a normal distribution cut at two standard deviations keeps 0.8796 of its spread
    assert weight.std().item() == pytest.approx(0.05 * 0.8796, rel=0.02)


@pytest.mark.parametrize("shape", [(400, 300), (40, 30, 5, 5)])
def test_he_and_xavier_follow_the_fans(shape: tuple[int, ...]) -> None:
    window = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * window, shape[0] * window
    assert drawn("he", shape).std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.03)
    xavier = drawn("xavier", shape)
    assert xavier.std().item() == pytest.approx(math.sqrt(2 / (fan_in + fan_out)), rel=0.03)
    assert xavier.abs().max() <= math.sqrt(6 / (fan_in + fan_out))


def test_he_for_hidden_layers_and_xavier_for_the_last() -> None:
    network = small_network()
    initialise(network, InitialValues(), seed=0)
    assert network[0].weight.std().item() == pytest.approx(math.sqrt(2 / 27), rel=0.1)
    assert network[4].weight.std().item() == pytest.approx(math.sqrt(2 / 2304), rel=0.1)
    assert network[5].weight.abs().max() <= math.sqrt(6 / 110)
    assert all(layer.bias.abs().max() == 0 for layer in (network[0], network[4], network[5]))


def test_the_signal_keeps_its_size_through_many_layers_with_he() -> None:
    layers = [layer for _ in range(20) for layer in (nn.Linear(300, 300), nn.ReLU())]
    network = nn.Sequential(*layers, nn.Linear(300, 10))
    initialise(network, InitialValues(), seed=0)
    images = torch.randn(64, 300, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert 0.2 < network[:-1](images).square().mean().item() < 5
        initialise(network, InitialValues(scale=0.01), seed=0)
        assert network[:-1](images).abs().max() < 1e-30


def test_scale_multiplies_weights_and_bias_is_constant() -> None:
    network, scaled = small_network(), small_network()
    initialise(network, InitialValues(), seed=3)
    initialise(scaled, InitialValues(scale=0.5, bias=0.05), seed=3)
    assert torch.allclose(scaled[0].weight, network[0].weight / 2)
    assert torch.allclose(scaled[5].weight, network[5].weight / 2)
    assert torch.equal(scaled[4].bias, torch.full((100,), 0.05))
    assert torch.equal(scaled[1].weight, torch.ones(64))
    assert torch.equal(scaled[1].bias, torch.zeros(64))


def test_the_last_layer_may_have_its_own() -> None:
    network = small_network()
    initialise(network, InitialValues(hidden="normal", last="he", std=1.0), seed=0)
    assert network[0].weight.std().item() == pytest.approx(1, rel=0.1)
    assert network[5].weight.std().item() == pytest.approx(math.sqrt(2 / 100), rel=0.1)


def test_the_seed_decides_and_the_global_random_state_stays() -> None:
    first, second, other = small_network(), small_network(), small_network()
    before = torch.random.get_rng_state()
    for network, seed in ((first, 7), (second, 7), (other, 8)):
        initialise(network, InitialValues(), seed=seed)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first[4].weight, second[4].weight)
    assert not torch.equal(first[4].weight, other[4].weight)


@pytest.mark.parametrize("name", ["normal", "truncated-normal"])
def test_a_normal_initialiser_without_a_spread_is_refused(name: Initialiser) -> None:
    with pytest.raises(UsageError, match=f"{name} needs a standard deviation"):
        InitialValues(hidden=name, last="he")


def test_a_spread_without_use_is_refused() -> None:
    with pytest.raises(UsageError, match=r"initial_std = 0\.1 has no use"):
        InitialValues(std=0.1)


def test_identity_passes_each_channel_on_and_draws_the_other_filters() -> None:
    weight = drawn("identity", (24, 8, 3, 3))
    images = torch.rand(2, 8, 5, 5)
    maps = nn.functional.conv2d(images, weight, padding=1)
    assert torch.equal(maps[:, :8], images)
    assert weight[8:].std().item() == pytest.approx(math.sqrt(2 / 72), rel=0.05)


def test_identity_of_more_channels_than_filters_passes_on_as_many_as_it_has() -> None:
    weight = drawn("identity", (4, 6, 3, 3))
    images = torch.rand(1, 6, 5, 5)
    assert torch.equal(nn.functional.conv2d(images, weight, padding=1), images[:, :4])


def test_identity_is_he_where_there_is_no_window() -> None:
    assert torch.equal(drawn("identity", (40, 30)), drawn("he", (40, 30)))
