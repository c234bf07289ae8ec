import copy
import warnings

import numpy as np
import pytest
import timm
import torch
from captum.attr import Deconvolution, GuidedBackprop
from torch import nn
from torch.nn.functional import conv_transpose2d

from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.patches.deconvnet import project_to_pixels


def _captum(kind, network, images, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(network).attribute(images.clone().requires_grad_(True), target=target).detach().numpy()


@pytest.mark.parametrize(("method", "kind"), [("deconvnet", Deconvolution), ("guided", GuidedBackprop)])
@pytest.mark.parametrize(("name", "head"), [("small", "head"), ("resnet18", "fc")])
def test_agrees_with_captum(made, images, name, head, method, kind):
    network, shape = made(name)
    network, batch = copy.deepcopy(network).double(), images(3, shape).double()
    ours = project_to_pixels(network, batch, head, [0, 1, 2], method=method)
    theirs = _captum(kind, network, batch, torch.tensor([0, 1, 2]))
    assert np.abs(theirs).max() > 0
    assert np.allclose(ours.pixels, theirs, atol=1e-4 * np.abs(theirs).max())


def test_deconvnet_by_hand():
    """Transposed filters, unpooling by switches and rectification, written out with other operations."""
    generator = torch.Generator().manual_seed(1)
    first, second = nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Conv2d(3, 2, 3, padding=1)
    network = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU())
    images = torch.randn(1, 2, 12, 12, generator=generator)
    ours = project_to_pixels(network, images, "4", [1], [(2, 1)])

    pooled, switches = nn.functional.max_pool2d(torch.relu(first(images)), 2, return_indices=True)
    signal = torch.zeros_like(second(pooled))
    signal[0, 1, 2, 1] = 1
    signal = conv_transpose2d(signal, second.weight, padding=1)
    signal = nn.functional.max_unpool2d(signal, switches, 2)
    signal = conv_transpose2d(signal.clamp(min=0), first.weight, stride=2, padding=1, output_padding=1)
    assert np.allclose(ours.pixels, signal.detach().numpy(), atol=1e-6)
    assert ours.values[0] == pytest.approx(float(network(images)[0, 1, 2, 1].detach()))


def test_functional_relus_follow_the_rule(residual, images):
    batch = images(2, (3, 16, 16))
    ours = project_to_pixels(residual, batch, "bn2", [1, 2], [(3, 4), (0, 0)])
    with torch.no_grad():
        signal = torch.zeros(2, 4, 8, 8)
        signal[0, 1, 3, 4] = signal[1, 2, 0, 0] = 1
        expected = _stem_backwards(residual, _branch_backwards(residual, signal))
    assert np.allclose(ours.pixels, expected.numpy(), atol=1e-6)


def test_the_signal_takes_both_ways_around_a_residual_sum(residual, images):
    ours = project_to_pixels(residual, images(1, (3, 16, 16)), "head", [1])
    with torch.no_grad():
        signal = residual.head.weight[1].clamp(min=0)[:, None, None].expand(1, 4, 8, 8) / 64
        expected = _stem_backwards(residual, signal + _branch_backwards(residual, signal))
    assert np.allclose(ours.pixels, expected.numpy(), atol=1e-6)


def _branch_backwards(network, signal):
    scales = [norm.weight / torch.sqrt(norm.running_var + norm.eps) for norm in (network.bn1, network.bn2)]
    signal = conv_transpose2d(signal * scales[1][:, None, None], network.conv2.weight, padding=1)
    signal = signal.clamp(min=0) * scales[0][:, None, None]
    return conv_transpose2d(signal, network.conv1.weight, padding=1)


def _stem_backwards(network, signal):
    return conv_transpose2d(signal.clamp(min=0), network.stem.weight, stride=2, padding=1, output_padding=1)


@pytest.mark.parametrize("method", ["deconvnet", "guided", "gradient"])
@pytest.mark.parametrize(
    ("name", "layer"),
    [("efficientnet_lite0", "blocks.2.0.bn1"), ("efficientnet_lite0", "conv_head"), ("resnet18", "layer2")],
)
def test_many_units_in_one_pass_equal_one_by_one(made, images, name, layer, method):
    network, shape = made(name)
    network = copy.deepcopy(network).double()  # in which no value rounds across a kink
    batch = images(3, shape).double()
    together = project_to_pixels(network, batch, layer, [0, 5, 7], method=method)
    for index, unit in enumerate([0, 5, 7]):
        alone = project_to_pixels(
            network,
            batch[index : index + 1],
            layer,
            [unit],
            [tuple(together.positions[index].tolist())],
            method=method,
        )
        largest = np.abs(alone.pixels).max()
        assert np.allclose(alone.pixels[0], together.pixels[index], atol=1e-6 * largest)


def test_the_strongest_place_is_found(small, images):
    batch = images(2, (1, 12, 12))
    found = project_to_pixels(small, batch, "conv2", [3, 0])
    with torch.no_grad():
        maps = small.conv2(small.pool1(small.relu1(small.bn1(small.conv1(batch)))))
    for index, unit in enumerate([3, 0]):
        assert found.values[index] == pytest.approx(float(maps[index, unit].max()), abs=1e-6)
        row, column = found.positions[index]
        assert found.values[index] == pytest.approx(float(maps[index, unit, row, column]), abs=1e-6)


def test_a_relu_in_place_whose_result_is_not_used_still_follows_the_rule(images):
    class Discarding(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)
            self.head = nn.Conv2d(2, 1, 1)

        def forward(self, values):
            features = self.conv(values)
            features.relu_()
            return self.head(features)

    network = Discarding()
    plain = nn.Sequential(network.conv, nn.ReLU(), network.head)
    batch = images(1, (1, 6, 6))
    for method in ("deconvnet", "guided"):
        first = project_to_pixels(network, batch, "head", [0], [(1, 1)], method=method)
        second = project_to_pixels(plain, batch, "2", [0], [(1, 1)], method=method)
        assert np.array_equal(first.pixels, second.pixels)


def test_deconvnet_through_a_smooth_activation_says_why_and_offers_another():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.SiLU(), nn.Conv2d(2, 2, 1))
    images = torch.randn(1, 1, 5, 5)
    with pytest.raises(ConvscopeError, match=r"silu.*(?s:.)*guided"):
        project_to_pixels(network, images, "2", [0])
    assert project_to_pixels(network, images, "2", [0], method="guided").pixels.any()
    assert project_to_pixels(network, images, "0", [0]).pixels.any()  # below the activation it is defined
    assert not any(module._forward_hooks for module in network.modules())


def test_gated_networks_work_with_guided_backpropagation(images):
    network = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=2).eval()
    with pytest.raises(ConvscopeError, match="guided"):
        project_to_pixels(network, images(1, (3, 64, 64)), "blocks.2", [0])
    assert project_to_pixels(network, images(1, (3, 64, 64)), "blocks.2", [0], method="guided").pixels.any()


def test_wrong_units_positions_and_methods_are_usage_errors(small, images):
    batch = images(1, (1, 12, 12))
    with pytest.raises(UsageError, match="units 0 to 5"):
        project_to_pixels(small, batch, "conv2", [6])
    with pytest.raises(UsageError, match="outside"):
        project_to_pixels(small, batch, "conv2", [0], [(6, 0)])
    with pytest.raises(UsageError, match="as many"):
        project_to_pixels(small, batch, "conv2", [0, 1])
    with pytest.raises(UsageError, match="deconvnet, guided or gradient"):
        project_to_pixels(small, batch, "conv2", [0], method="backwards")
