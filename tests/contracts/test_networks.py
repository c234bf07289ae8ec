"""What every network of the package promises."""

import functools

import pytest
import torch
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.errors import UsageError
from convscope.networks.build import build_network
from convscope.networks.catalogue import CATALOGUE, NetworkEntry, network_names
from convscope.networks.following.summarising import summarise

HAS_ITS_SAY_IN_TRAINING = (nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d)


def build(name: str, in_channels: int = 1, seed: int = 0, num_classes: int = 10) -> nn.Module:
    return build_network(
        NetworkConfig(name=name),
        in_channels=in_channels,
        image_size=image_size(name),
        num_classes=num_classes,
        seed=seed,
    )


@functools.cache
def built(name: str) -> nn.Module:
    """One network for the tests that leave it as it is."""
    return build(name).eval()


def image_size(name: str) -> tuple[int, int]:
    return (33, 32) if name.startswith("vgg") else (13, 10)


def images(name: str, count: int, in_channels: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, in_channels, *image_size(name), generator=generator)


@pytest.fixture(params=network_names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_logits_for_any_batch_size(name: str, count: int) -> None:
    with torch.no_grad():
        logits = built(name)(images(name, count))
    assert logits.shape == (count, 10)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_colour_images_and_a_single_output(name: str) -> None:
    network = build(name, in_channels=3, num_classes=1).eval()
    with torch.no_grad():
        assert network(images(name, 2, in_channels=3)).shape == (2, 1)


def test_an_image_does_not_depend_on_its_batch(name: str) -> None:
    batch = images(name, 3)
    with torch.no_grad():
        together, alone = built(name)(batch), built(name)(batch[1:2])
    assert torch.allclose(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_the_seed_decides_the_weights(name: str) -> None:
    same, other = build(name).state_dict(), build(name, seed=1).state_dict()
    expected = built(name).state_dict()
    assert all(torch.equal(same[key], expected[key]) for key in expected)
    weights = [key for key in expected if expected[key].ndim > 1]
    assert not any(torch.equal(other[key], expected[key]) for key in weights)


def test_every_weight_has_a_value(name: str) -> None:
    assert all(value.isfinite().all() for value in built(name).state_dict().values())


def test_the_mode_matters_to_dropout_and_batch_normalisation_only(name: str) -> None:
    network, batch = build(name), images(name, 4)
    in_training = any(
        isinstance(module, HAS_ITS_SAY_IN_TRAINING) and getattr(module, "p", 1) > 0
        for module in network.modules()
    )
    torch.manual_seed(0)
    with torch.no_grad():
        same = torch.equal(network.train()(batch), network.eval()(batch))
    assert same is not in_training


def test_gradients_reach_every_parameter(name: str) -> None:
    network = build(name)
    network(images(name, 4)).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().max() > 0, key


def test_the_summary_counts_every_parameter(name: str) -> None:
    summary = summarise(built(name), (1, *image_size(name)))
    assert summary.total.parameters == sum(parameter.numel() for parameter in built(name).parameters())
    assert summary.layers[-1].output_shape == (10,)
    assert all(layer.receptive_field is not None for layer in summary.layers)


def test_the_weights_go_into_another_network_and_give_the_same_logits(name: str) -> None:
    copy = build(name, seed=5).eval()
    copy.load_state_dict(built(name).state_dict())
    batch = images(name, 2)
    with torch.no_grad():
        assert torch.equal(copy(batch), built(name)(batch))


def test_relus_are_modules_of_their_own_that_leave_their_input(name: str) -> None:
    network = build(name).eval()
    calls: dict[str, int] = {}
    for layer, module in network.named_modules():
        if isinstance(module, nn.ReLU):
            assert not module.inplace

            def count(module: nn.Module, inputs: object, output: object, layer: str = layer) -> None:
                calls[layer] = calls.get(layer, 0) + 1

            module.register_forward_hook(count)
    with torch.no_grad():
        network(images(name, 1))
    assert all(number == 1 for number in calls.values())


def test_the_last_layer_is_named_logits(name: str) -> None:
    last = [layer for layer, module in built(name).named_modules() if isinstance(module, nn.Linear)][-1]
    assert last.startswith("logits")


@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOGUE if entry.minimum_side > 1], ids=lambda entry: entry.name
)
def test_an_image_too_small_is_refused_with_the_smallest_size(entry: NetworkEntry) -> None:
    config, side = NetworkConfig(name=entry.name), entry.minimum_side
    sizes = {"in_channels": 1, "num_classes": 10, "seed": 0}
    for image_size in ((side - 1, 64), (64, side - 1)):
        with pytest.raises(UsageError, match=f"smallest size that works is {side}×{side}"):
            build_network(config, image_size=image_size, **sizes)
    network = build_network(config, image_size=(side, side), **sizes).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 1, side, side)).shape == (1, 10)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_the_entry_says_what_the_network_has(entry: NetworkEntry) -> None:
    channels, *size = entry.image_shape
    options = {"dropout": 0.125} if entry.dropout else {}
    for batch_norm in entry.batch_norm:
        chosen = {"batch_norm": batch_norm} if len(entry.batch_norm) > 1 else {}
        with torch.device("meta"):
            network = entry.build(channels, tuple(size), 10, **options, **chosen)
        assert any(getattr(module, "p", None) == 0.125 for module in network.modules()) is entry.dropout
        assert (
            any(isinstance(module, HAS_ITS_SAY_IN_TRAINING[1:]) for module in network.modules()) is batch_norm
        )
