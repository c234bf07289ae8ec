import random

import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed
from convscope.inspection.layers import LayerTap, find_layer, last_spatial_layer


def _a_network() -> nn.Sequential:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout())
    network.train()
    network[1].eval()
    network[0].weight.requires_grad_(False)
    network[0].bias.grad = torch.ones(2)
    return network


def test_everything_is_given_back_after_an_error():
    network = _a_network()
    calls = []
    network[2].register_forward_hook(lambda *_: calls.append("mine"))
    hooks = dict(network[2]._forward_hooks)
    gradient = network[0].bias.grad
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()

    with pytest.raises(ZeroDivisionError), borrowed(network):  # noqa: PT012
        assert not any(module.training for module in network.modules())
        network[2].register_forward_hook(lambda *_: calls.append("theirs"))
        network[0].register_forward_pre_hook(lambda *_: None)
        network[3].register_full_backward_hook(lambda *_: None)
        images = torch.randn(2, 1, 5, 5, requires_grad=True)
        network(images).sum().backward()
        np.random.rand()
        random.random()
        _ = 1 / 0

    assert [module.training for module in network] == [True, False, True, True]
    assert dict(network[2]._forward_hooks) == hooks
    assert not network[0]._forward_pre_hooks
    assert not network[3]._backward_hooks
    assert not network[0].weight.requires_grad
    assert network[0].bias.requires_grad
    assert network[0].bias.grad is gradient
    assert torch.equal(gradient, torch.ones(2))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state[1])
    assert random.getstate() == python_state


def test_a_hook_can_be_removed_by_its_owner_after_a_borrowing():
    network = _a_network()
    handle = network[2].register_forward_hook(lambda *_: None)
    with borrowed(network):
        pass
    handle.remove()
    assert not network[2]._forward_hooks


@pytest.mark.parametrize("switch", [torch.no_grad, torch.inference_mode])
def test_gradients_work_inside_a_borrowing_wherever_they_are_off(switch):
    network = _a_network()
    with switch(), borrowed(network):
        images = torch.randn(1, 1, 5, 5, requires_grad=True)
        assert network(images).requires_grad


class Observed(nn.Conv2d):
    """Notes what is set on it once it is made."""

    def __setattr__(self, name, value):
        if "touched" in self.__dict__:
            self.touched.append(name)
        super().__setattr__(name, value)


def test_a_network_that_only_predicts_is_not_touched_so_threads_can_share_it():
    network = nn.Sequential(Observed(1, 2, 3), nn.Flatten(), nn.LazyLinear(3))
    network(torch.zeros(1, 1, 5, 5))
    network.eval().requires_grad_(False)
    network[0].__dict__["touched"] = []
    with borrowed(network):
        assert not network.training
        network(torch.zeros(1, 1, 5, 5))
    assert network[0].touched == []


def test_a_wrong_layer_is_answered_with_the_valid_ones_close_matches_first(small):
    with pytest.raises(UsageError) as error:
        find_layer(small, "convv2")
    message = str(error.value)
    assert "did you mean conv2" in message
    assert message.index("conv2,") < message.index("pool1")
    assert "head" in message


def test_a_tap_gives_the_last_output_of_a_shared_layer():
    relu = nn.ReLU()
    network = nn.Sequential(relu, nn.Conv2d(1, 2, 1), relu, nn.Flatten(), nn.Linear(8, 2))
    images = torch.randn(3, 1, 2, 2)
    with borrowed(network):
        tap = LayerTap(network, "0")
        assert torch.equal(tap(images), network[:3](images))
        assert tap(images).shape == (3, 2, 2, 2)


def test_a_layer_that_never_runs_is_named():
    network = nn.Sequential(nn.Conv2d(1, 2, 1))
    network[0].unused = nn.Linear(1, 1)
    with borrowed(network), pytest.raises(UsageError, match=r"0\.unused"):
        LayerTap(network, "0.unused")(torch.zeros(1, 1, 2, 2))


def test_uint8_images_are_refused(small):
    with borrowed(small), pytest.raises(UsageError, match="standardised"):
        LayerTap(small, "conv1")(torch.zeros(1, 1, 12, 12, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("name", "layer"),
    [("small", "relu2"), ("residual", "bn2"), ("resnet18", "layer4"), ("efficientnet_lite0", "bn2")],
)
def test_the_last_spatial_layer(made, name, layer):
    network, shape = made(name)
    assert last_spatial_layer(network, shape) == layer


def test_a_network_without_maps_has_no_last_spatial_layer():
    with pytest.raises(UsageError, match="height and width"):
        last_spatial_layer(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2))
