import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.unit_optimisation import ExcitationSettings, exciting_images


@pytest.mark.parametrize(
    ("name", "layer"), [("small", "conv2"), ("small", "head"), ("residual", "bn2"), ("resnet18", "layer2")]
)
def test_units_are_more_excited_than_by_noise(made, name, layer):
    network, shape = made(name)
    found = exciting_images(network, layer, [0, 2], shape, ExcitationSettings(steps=20))
    assert found.images.shape == (2, *shape)
    assert (found.after > found.before).all()
    assert np.abs(found.images).max() <= 2.5


def test_a_seed_gives_the_same_image_whatever_the_random_state(small):
    settings = ExcitationSettings(steps=8, seed=5)
    first = exciting_images(small, "conv2", [1], (1, 12, 12), settings)
    torch.manual_seed(99)
    second = exciting_images(small, "conv2", [1], (1, 12, 12), settings)
    other = exciting_images(small, "conv2", [1], (1, 12, 12), ExcitationSettings(steps=8, seed=6))
    assert np.array_equal(first.images, second.images)
    assert not np.array_equal(first.images, other.images)


def test_an_edge_detector_wants_an_edge():
    network = nn.Sequential(nn.Conv2d(1, 1, (1, 2), bias=False), nn.ReLU())
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([-1.0, 1.0])
    found = exciting_images(
        network, "0", [0], (1, 8, 8), ExcitationSettings(steps=60, jitter=0, total_variation=0)
    )
    assert found.images[0, 0, :, -1].mean() > found.images[0, 0, :, 0].mean() + 1


def test_total_variation_smooths(small):
    rough, smooth = (
        exciting_images(
            small, "conv2", [0], (1, 12, 12), ExcitationSettings(steps=40, total_variation=weight)
        ).images
        for weight in (0.0, 20.0)
    )
    assert np.abs(np.diff(smooth)).mean() < np.abs(np.diff(rough)).mean()


def test_wrong_units_are_usage_errors(small):
    with pytest.raises(UsageError, match="units 0 to 5"):
        exciting_images(small, "conv2", [6], (1, 12, 12))
    with pytest.raises(UsageError, match="at least one"):
        exciting_images(small, "conv2", [], (1, 12, 12))
