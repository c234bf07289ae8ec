import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.class_evidence.class_maps import class_maps


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("small", "conv1"),
        ("small", "relu2"),
        ("residual", "bn2"),
        ("resnet18", "layer3"),
        ("efficientnet_lite0", "bn2"),
    ],
)
def test_grad_cam_agrees_with_captum(made, images, name, layer):
    network, shape = made(name)
    batch = images(3, shape)
    ours = class_maps(network, batch, layer=layer, classes=[2, 0, 1])
    explainer = LayerGradCam(network, network.get_submodule(layer))
    coarse = explainer.attribute(batch, target=torch.tensor([2, 0, 1]), relu_attributions=True)
    assert np.allclose(ours.coarse, coarse[:, 0].detach().numpy(), atol=1e-4)
    fine = LayerAttribution.interpolate(coarse, shape[1:], "bilinear")
    assert np.allclose(ours.maps, fine[:, 0].detach().numpy(), atol=1e-4)


def _linear_network() -> tuple[nn.Sequential, torch.Tensor]:
    """The features are the image, and the scores weighted sums of them: the gradients are the weights."""
    network = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Linear(8, 2, bias=False))
    return network, torch.rand(1, 2, 2, 2, generator=torch.Generator().manual_seed(0))


def test_layer_cam_and_grad_cam_plus_plus_by_hand():
    network, features = _linear_network()
    gradients = network[2].weight[0].detach().reshape(1, 2, 2, 2)
    layer_cam = class_maps(network, features, method="layer-cam", layer="0", classes=0)
    assert np.allclose(layer_cam.coarse[0], (gradients.clamp(min=0) * features).sum(1)[0].numpy(), atol=1e-6)

    expected = torch.zeros(2, 2)
    for unit in range(2):
        total, weight = features[0, unit].sum(), 0.0
        for gradient in gradients[0, unit].flatten():
            weight += float(gradient**2 / (2 * gradient**2 + total * gradient**3)) * max(float(gradient), 0.0)
        expected += weight * features[0, unit]
    plus_plus = class_maps(network, features, method="grad-cam++", layer="0", classes=0)
    assert np.allclose(plus_plus.coarse[0], expected.clamp(min=0).numpy(), rtol=1e-4)


@pytest.mark.parametrize("method", ["grad-cam", "grad-cam++", "layer-cam"])
@pytest.mark.parametrize("name", ["small", "residual", "resnet18", "efficientnet_lite0"])
def test_the_predicted_class_and_the_last_maps_are_the_default(made, images, name, method):
    network, shape = made(name)
    batch = images(3, shape)
    maps = class_maps(network, batch, method=method, batch_size=2)
    with torch.no_grad():
        logits = network(batch)
    assert maps.classes.tolist() == logits.argmax(1).tolist()
    assert maps.maps.shape == (3, *shape[1:])
    assert maps.maps.min() >= 0
    assert maps.normalised().max() <= 1
    assert np.isfinite(maps.normalised()).all()


def test_each_class_has_its_own_map(residual, images):
    batch = images(1, (3, 16, 16))
    first, second = (class_maps(residual, batch, classes=label).maps for label in (0, 1))
    assert not np.allclose(first, second)


def test_a_wrong_class_or_layer_is_a_usage_error(small, images):
    batch = images(2, (1, 12, 12))
    with pytest.raises(UsageError, match="classes 0 to 2"):
        class_maps(small, batch, classes=3)
    with pytest.raises(UsageError, match="need 2 classes"):
        class_maps(small, batch, classes=[0])
    with pytest.raises(UsageError, match="without height and width"):
        class_maps(small, batch, layer="head")
    with pytest.raises(UsageError, match="layer-cam"):
        class_maps(small, batch, method="heat")
