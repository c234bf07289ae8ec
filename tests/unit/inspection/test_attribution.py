import copy

import captum.attr
import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.class_evidence.attribution import integrated_gradients, occlusion

NETWORKS = ["small", "residual", "resnet18", "efficientnet_lite0"]


@pytest.mark.parametrize("name", NETWORKS)
def test_integrated_gradients_agree_with_captum(made, images, name):
    network, shape = made(name)
    network, batch = copy.deepcopy(network).double(), images(2, shape).double()  # kinks amplify rounding
    ours = integrated_gradients(network, batch, classes=[1, 2], steps=6, batch_size=5)
    theirs = captum.attr.IntegratedGradients(network).attribute(
        batch, target=torch.tensor([1, 2]), n_steps=6, method="gausslegendre"
    )
    assert np.allclose(ours.pixels, theirs.detach().numpy(), atol=1e-4)
    assert np.allclose(ours.maps, ours.pixels.sum(1), atol=1e-5)


def test_completeness_error_falls_with_more_steps(residual, images):
    batch = images(2, (3, 16, 16))
    few, many = (integrated_gradients(residual, batch, steps=steps, baseline=-1.0) for steps in (2, 256))
    assert np.abs(many.completeness_error).max() < np.abs(few.completeness_error).max()
    assert np.abs(many.completeness_error).max() < 0.02 * np.abs(many.score_change).max()
    with torch.no_grad():
        change = residual(batch) - residual(-torch.ones(1, 3, 16, 16))
    assert np.allclose(many.score_change, change.numpy()[[0, 1], many.classes], atol=1e-5)


@pytest.mark.parametrize("name", ["small", "residual"])
@pytest.mark.parametrize(("window", "stride"), [(4, 2), (5, 3)])
def test_occlusion_agrees_with_captum(made, images, name, window, stride):
    network, shape = made(name)
    batch = images(2, shape)
    ours = occlusion(network, batch, classes=1, window=window, stride=stride, baseline=0.5, batch_size=7)
    theirs = captum.attr.Occlusion(network).attribute(
        batch,
        sliding_window_shapes=(shape[0], window, window),
        strides=(shape[0], stride, stride),
        baselines=0.5,
        target=1,
    )
    assert np.allclose(ours.maps, theirs[:, 0].detach().numpy(), atol=1e-4)


def test_occlusion_finds_the_only_pixels_that_matter():
    network = nn.Sequential(nn.Flatten(), nn.Linear(100, 2, bias=False))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].weight[1].reshape(10, 10)[6:8, 2:4] = 1
    maps = occlusion(network, torch.ones(1, 1, 10, 10), classes=1, window=2, stride=2).maps[0]
    assert (maps[6:8, 2:4] == 4).all()
    assert maps[:5].max() == 0


def test_a_window_that_does_not_fit_is_a_usage_error(small, images):
    with pytest.raises(UsageError, match="window 13"):
        occlusion(small, images(1, (1, 12, 12)), window=13)
    with pytest.raises(UsageError, match="gaps"):
        occlusion(small, images(1, (1, 12, 12)), window=2, stride=3)
