import itertools

import pytest
import torch
from torch import nn

from convscope.config.asked import NetworkConfig
from convscope.errors import UsageError
from convscope.networks.build import build_network


def build(side: int = 28, in_channels: int = 1, seed: int = 0, **options: object) -> nn.Module:
    config = NetworkConfig(**options)
    return build_network(config, in_channels=in_channels, image_size=(side, side), num_classes=10, seed=seed)


def test_an_unknown_name_is_refused_with_close_names_and_the_list() -> None:
    with pytest.raises(UsageError, match=r"'vgg61'; did you mean vgg.*There are: linear, .*timm:NAME"):
        build(name="vgg61")


def test_an_unknown_timm_name_is_refused_with_close_names() -> None:
    with pytest.raises(UsageError, match="'resnt18'; did you mean resnet18"):
        build(name="timm:resnt18")


def test_no_name_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError, match="choose one of: linear"):
        build()


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("linear", {"dropout": 0.5}, "linear has no dropout"),
        ("conv4", {"dropout": 0.1}, "conv4 has no dropout"),
        ("resnet18", {"dropout": 0.1}, "resnet18 has no dropout"),
        ("two-conv", {"batch_norm": True}, "two-conv has no batch normalisation"),
        ("small-resnet", {"batch_norm": False}, "small-resnet always has batch normalisation"),
        ("timm:resnet18", {"initialiser": "he"}, "its own initial weights"),
    ],
)
def test_an_option_the_network_has_not_is_refused(name: str, option: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(name=name, **option)


def test_an_option_that_says_what_is_so_anyway_is_accepted() -> None:
    assert build(name="linear", dropout=0.0, batch_norm=False) is not None
    assert build(name="small-resnet", batch_norm=True) is not None


@pytest.mark.parametrize(
    ("name", "expected"), [("conv-dropout", 0.25), ("vgg11", 0.5), ("two-conv", 0.0), ("vgg12", 0.0)]
)
def test_dropout_of_the_figure_unless_given(name: str, expected: float) -> None:
    def probabilities(network: nn.Module) -> set[float]:
        return {module.p for module in network.modules() if isinstance(module, nn.Dropout)}

    assert probabilities(build(side=32, name=name)) == {expected}
    assert probabilities(build(side=32, name=name, dropout=0.4)) == {0.4}


@pytest.mark.parametrize("name", ["vgg11", "vgg12"])
def test_batch_normalisation_stands_after_each_convolution(name: str) -> None:
    layers = [module for _, module in build(side=32, name=name, batch_norm=True).named_children()]
    for layer, following in itertools.pairwise(layers):
        if isinstance(layer, nn.Conv2d):
            assert isinstance(following, nn.BatchNorm2d)
            assert layer.bias is None
    assert not any(isinstance(module, nn.BatchNorm2d) for module in build(side=32, name=name).modules())


def test_the_configuration_decides_the_initial_weights() -> None:
    network = build(name="two-conv", initialiser="truncated-normal", initial_std=0.05, initial_bias=0.05)
    assert network.fully_connected.weight.abs().max() <= 0.1
    assert network.logits.weight.abs().max() <= 0.1
    assert torch.equal(network.conv1.bias, torch.full((16,), 0.05))
    linear = build(name="linear", initialiser="normal", initial_std=1.0)
    assert linear.logits.weight.std().item() == pytest.approx(1, rel=0.03)
    tiny = build(name="conv4", initialiser="normal", initial_std=1.0, initial_scale=0.01)
    assert tiny.conv4.weight.std().item() == pytest.approx(0.01, rel=0.03)


def test_the_global_random_state_stays_where_it_was() -> None:
    before = torch.random.get_rng_state()
    build(name="two-conv")
    build(name="timm:resnet18", side=64)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_timm_networks_follow_seed_channels_and_classes() -> None:
    first, second, other = (build(name="timm:resnet18", side=64, seed=seed) for seed in (1, 1, 2))
    images = torch.randn(2, 1, 64, 64)
    assert first.eval()(images).shape == (2, 10)
    assert torch.equal(first.conv1.weight, second.conv1.weight)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


@pytest.mark.parametrize(("field", "value"), [("in_channels", 0), ("num_classes", 0)])
def test_counts_below_one_are_refused(field: str, value: int) -> None:
    sizes = {"in_channels": 1, "num_classes": 10} | {field: value}
    with pytest.raises(UsageError, match=f"{field} = 0"):
        build_network(NetworkConfig(name="linear"), image_size=(8, 8), seed=0, **sizes)


@pytest.mark.parametrize(
    ("name", "size", "works", "where"),
    [  # halves that do not fit, on their way together; too small; bound to one size
        ("timm:dla34", (200, 200), "192×192 and 224×224 work", "level4.tree1.tree1"),
        ("timm:dla34", (200, 330), "192×320 and 224×352 work", "level2.tree1"),
        ("timm:hrnet_w18_small", (100, 100), "96×96 and 128×128 work", "stage2.0"),
        ("timm:inception_v3", (64, 64), "80×80 works", "Mixed_7a.branch3x3_2.conv"),
        ("timm:vit_tiny_patch16_224", (28, 28), "224×224 works", "patch_embed"),
        ("timm:swin_tiny_patch4_window7_224", (200, 400), "224×224 works", "patch_embed"),
    ],
)
def test_a_timm_network_that_cannot_take_the_images_says_where_it_fails_and_which_sizes_work(
    name: str, size: tuple[int, int], works: str, where: str
) -> None:
    with pytest.raises(UsageError) as raised:
        build_network(NetworkConfig(name=name), in_channels=3, image_size=size, num_classes=10, seed=0)
    refused = f"{name} cannot take images of {size[0]}×{size[1]}: {works} (in {where}: "
    assert str(raised.value).startswith(refused)


@pytest.mark.parametrize("name", ["two-conv", "conv4", "conv-dropout"])
@pytest.mark.parametrize("side", [3, 5, 6, 7, 28])
def test_a_halving_rounds_up_and_its_border_never_wins(name: str, side: int) -> None:
    network = build(name=name, side=side)
    pools = [module for module in network.modules() if isinstance(module, torch.nn.MaxPool2d)]
    maps = -torch.rand(2, 3, side, side)  # all below the zeros of a padding
    assert [pool(maps).shape[2] for pool in pools] == [-(-side // 2)] * 2
    assert all(pool(maps).max() < 0 for pool in pools)
    assert all(torch.equal(pool(maps).relu(), pool(maps.relu())) for pool in pools)


def test_pooling_rounded_up_by_hand() -> None:
    maps = torch.tensor([[[[-5.0, -1.0, -3.0], [-2.0, -4.0, -6.0], [-9.0, -8.0, -7.0]]]])
    assert build(name="two-conv").pool1(maps).tolist() == [[[[-1.0, -3.0], [-8.0, -7.0]]]]
