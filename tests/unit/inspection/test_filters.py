import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.filters import layer_filters


def _network() -> nn.Sequential:
    convolution = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        convolution.weight[0] = torch.randn(3, 3, 3, generator=torch.Generator().manual_seed(0))
        convolution.weight[1] = 1e-6
        convolution.weight[2] = 2 * convolution.weight[0]
        convolution.weight[3] = -convolution.weight[0]
    return nn.Sequential(convolution, nn.Conv2d(4, 4, 3, groups=4))


def test_filters_are_sorted_by_norm_and_the_dead_and_alike_are_marked():
    filters = layer_filters(_network(), "0")
    assert filters.order[0] == 2
    assert filters.order[-1] == 1
    assert filters.dead.tolist() == [False, True, False, False]
    assert filters.twin.tolist() == [-1, -1, 0, -1]


def test_one_symmetric_scale_serves_the_layer():
    network = _network()
    filters = layer_filters(network, "0")
    assert filters.scale == pytest.approx(float(network[0].weight.detach().abs().max()))


def test_a_channel_of_a_layer():
    network = _network()
    assert np.array_equal(layer_filters(network, "0").of_channel(2), network[0].weight[:, 2].detach().numpy())
    with pytest.raises(UsageError, match="0 to 2"):
        layer_filters(network, "0").of_channel(3)


def test_filters_that_read_different_channels_are_never_alike():
    network = _network()
    with torch.no_grad():
        network[1].weight.fill_(1.0)
    assert (layer_filters(network, "1").twin == -1).all()


def test_layers_without_filters_say_so(small):
    with pytest.raises(UsageError, match="conv1, conv2"):
        layer_filters(small, "bn1")


def test_the_arrays_are_copies(small):
    filters = layer_filters(small, "conv1")
    before = small.conv1.weight.detach().clone()
    filters.weights[:] = 0
    assert torch.equal(small.conv1.weight, before)
