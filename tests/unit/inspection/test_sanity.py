import numpy as np
import pytest
import torch
from torch import nn

from convscope.diagnosis.pictures import sanity
from convscope.errors import UsageError
from convscope.inspection.class_evidence.sanity import check_class_maps, sanity_check


def _brightness(network, images):
    return images.mean(1).numpy()


def _gradient(network, images):
    images = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(images)[:, 0].sum(), images)
    return gradient.sum(1).numpy()


@pytest.mark.parametrize("randomisation", ["cascading", "independent"])
def test_a_map_that_ignores_the_network_fails(residual, images, randomisation):
    check = sanity_check(residual, images(3, (3, 16, 16)), _brightness, randomisation=randomisation)
    assert check.depends is False
    assert np.allclose(check.similarity, 1)
    assert "hardly depend" in sanity(check, "brightness").sentence


def test_a_map_that_follows_the_network_passes(residual, images):
    check = sanity_check(residual, images(3, (3, 16, 16)), _gradient)
    assert check.depends is True
    assert check.similarity.shape == (len(check.stages), 3)
    assert check.stages[0][0] == "head"
    assert sorted(layer for stage in check.stages for layer in stage) == sorted(
        name for name, module in residual.named_modules() if name and not list(module.children())
    )


def test_the_verdict_says_how_many_maps_it_rests_on(residual, images):
    def blank_for_the_second(network, batch):
        maps = _gradient(network, batch)
        maps[1] = 0
        return maps

    check = sanity_check(residual, images(3, (3, 16, 16)), blank_for_the_second)
    assert np.isnan(check.similarity[:, 1]).all()
    assert "(2 of 3;" in sanity(check, "gradient").said


def test_a_map_that_is_the_same_everywhere_cannot_be_judged(residual, images):
    check = sanity_check(residual, images(2, (3, 16, 16)), lambda _, batch: np.zeros((len(batch), 4, 4)))
    assert check.depends is None
    assert "cannot be told" in sanity(check, "zeros").said


def test_the_network_itself_keeps_its_weights_while_it_is_checked(residual, images):
    """A server may predict with it meanwhile."""
    before = {name: tensor.clone() for name, tensor in residual.state_dict().items()}
    drawn = []

    def make(network, batch):
        assert all(torch.equal(tensor, before[name]) for name, tensor in residual.state_dict().items())
        drawn.append(network)
        return _brightness(network, batch)

    sanity_check(residual, images(1, (3, 16, 16)), make)
    assert drawn[0] is residual
    assert all(network is not residual for network in drawn[1:])


@pytest.mark.parametrize("randomisation", ["cascading", "independent"])
def test_the_weights_come_back_bit_for_bit_even_after_an_error(residual, images, randomisation):
    before = {name: tensor.clone() for name, tensor in residual.state_dict().items()}
    calls = []

    def fails_later(network, batch):
        calls.append([tensor.clone() for tensor in network.state_dict().values()])
        if len(calls) == 3:
            raise ZeroDivisionError
        return _brightness(network, batch)

    with pytest.raises(ZeroDivisionError):
        sanity_check(residual, images(1, (3, 16, 16)), fails_later, randomisation=randomisation)
    assert any(not torch.equal(now, old) for now, old in zip(calls[1], calls[0], strict=True))
    assert all(torch.equal(tensor, before[name]) for name, tensor in residual.state_dict().items())


def test_independent_restores_each_stage_before_the_next(images):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    first = network[3].weight.detach().clone()
    seen = []

    def note(borrowed_network, batch):
        seen.append(borrowed_network[3].weight.clone())
        return _brightness(borrowed_network, batch)

    sanity_check(network, images(1, (1, 6, 6)), note, randomisation="independent")
    assert [torch.equal(weight, first) for weight in seen] == [True, False, True, True]


@pytest.mark.parametrize("name", ["small", "residual"])
def test_class_maps_can_be_checked(made, images, name):
    network, shape = made(name)
    first, second = (check_class_maps(network, images(3, shape), layer="conv1", seed=4) for _ in range(2))
    assert np.array_equal(first.similarity, second.similarity, equal_nan=True)
    assert sanity(first, "Grad-CAM").said


def test_an_unknown_randomisation_is_a_usage_error(small, images):
    with pytest.raises(UsageError, match="cascading or independent"):
        sanity_check(small, images(1, (1, 12, 12)), _brightness, randomisation="partial")
