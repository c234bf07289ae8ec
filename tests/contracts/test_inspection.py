"""What every inspection promises on every network: it gives it back, and the same arrays each time."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.activations import layer_maps
from convscope.inspection.class_evidence.attribution import integrated_gradients, occlusion
from convscope.inspection.class_evidence.class_maps import class_maps
from convscope.inspection.class_evidence.sanity import check_class_maps
from convscope.inspection.filters import layer_filters
from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.layers import convolution_layers
from convscope.inspection.patches.deconvnet import project_to_pixels
from convscope.inspection.patches.patch_projections import project_patches
from convscope.inspection.patches.top_patches import top_patches
from convscope.inspection.signals.dead_units import dead_units
from convscope.inspection.signals.histograms import layer_histograms
from convscope.inspection.unit_optimisation import ExcitationSettings, exciting_images
from convscope.networks.build import build_network


class FunctionalResidual(nn.Module):
    """Sums and ReLUs written as functions, some in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.stem(images))
        inside = self.norm(self.conv(features))
        inside += features
        return self.head(inside.relu_().mean(dim=(2, 3)))


SHAPES = {
    "functional-residual": (3, 16, 16),
    "two-conv": (1, 12, 12),
    "counter": (3, 16, 16),
    "small-resnet": (3, 16, 16),
    "vgg12": (1, 28, 28),
    "timm:resnet18": (3, 64, 64),
    "timm:efficientnet_lite0": (3, 64, 64),
}


def _pixels(images: Tensor) -> Tensor:
    return (images * 40 + 128).clamp(0, 255).to(torch.uint8)


def _standardise(pixels: Tensor) -> Tensor:
    return (pixels.float() - 128) / 40


def _middle(network: nn.Module) -> str:
    layers = convolution_layers(network)
    return layers[len(layers) // 2]


def _patches(network: nn.Module, images: Tensor) -> Any:
    return top_patches(network, _middle(network), _pixels(images), _standardise, units=[0, 1], count=2)


INSPECTIONS: dict[str, Callable[[nn.Module, Tensor], Any]] = {
    "filters": lambda network, images: layer_filters(network, _middle(network)),
    "maps": lambda network, images: layer_maps(network, images[0], _middle(network)),
    "histograms": layer_histograms,
    "dead units": dead_units,
    "top patches": _patches,
    "patch projections": lambda network, images: project_patches(
        network, _patches(network, images), _standardise
    ),
    "deconvnet": lambda network, images: project_to_pixels(network, images, _middle(network), [0, 1]),
    "guided": lambda network, images: project_to_pixels(
        network, images, _middle(network), [0, 1], method="guided"
    ),
    "class maps": lambda network, images: class_maps(network, images, batch_size=1),
    "integrated gradients": lambda network, images: integrated_gradients(network, images, steps=2),
    "occlusion": lambda network, images: occlusion(network, images, window=12, stride=12),
    "sanity": lambda network, images: check_class_maps(network, images, layer=_middle(network)),
    "exciting images": lambda network, images: exciting_images(
        network, _middle(network), [0, 1], tuple(images.shape[1:]), ExcitationSettings(steps=2)
    ),
    "hidden values": last_hidden_values,
}
# They read the weights and run nothing.
STILL = {"filters"}


@pytest.fixture(scope="module", params=SHAPES)
def network_and_images(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    shape = SHAPES[request.param]
    if request.param == "functional-residual":
        torch.manual_seed(0)
        network: nn.Module = FunctionalResidual()
    else:
        config = NetworkConfig(name=request.param)
        network = build_network(config, in_channels=shape[0], image_size=shape[1:], num_classes=3, seed=0)
    network.train()
    list(network.modules())[-1].eval()
    first = next(network.parameters())
    first.requires_grad_(False)
    first.grad = torch.ones_like(first)
    return network, torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))


def _state(network: nn.Module) -> list[Any]:
    """Everything of a network and of the random state that an inspection might disturb."""
    return [
        [module.training for module in network.modules()],
        [(parameter.requires_grad, id(parameter.grad)) for parameter in network.parameters()],
        [tensor.detach().clone() for tensor in network.state_dict().values()],
        [
            [list(hooks) for key, hooks in vars(module).items() if key.endswith("hooks") and hooks]
            for module in network.modules()
        ],
        torch.get_rng_state(),
        np.random.get_state()[1],
        random.getstate(),
        torch.is_grad_enabled(),
    ]


def _arrays(result: Any) -> list[np.ndarray]:
    """All arrays within a result, in a fixed order."""
    if isinstance(result, np.ndarray):
        return [result]
    if isinstance(result, Tensor):
        assert not result.requires_grad
        return [result.numpy()]
    if isinstance(result, tuple | list):
        return [array for part in result for array in _arrays(part)]
    if isinstance(result, dict):
        return [array for key in sorted(result) for array in _arrays(result[key])]
    if dataclasses.is_dataclass(result):
        values = (getattr(result, field.name) for field in dataclasses.fields(result))
        return [array for value in values for array in _arrays(value)]
    return []


def _assert_same(first: Any, second: Any) -> None:
    if isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            _assert_same(one, other)
    elif isinstance(first, np.ndarray | Tensor):
        assert np.array_equal(np.asarray(first), np.asarray(second))
    else:
        assert first == second


@pytest.mark.parametrize("name", INSPECTIONS)
def test_the_network_is_given_back_and_the_arrays_are_the_same_each_time(network_and_images, name):
    network, images = network_and_images
    before, given = _state(network), images.clone()
    with torch.no_grad():  # the caller's choice must not matter
        first = _arrays(INSPECTIONS[name](network, images))
    _assert_same(_state(network), before)
    assert torch.equal(images, given)
    assert first
    assert all(np.isfinite(array).all() for array in first if array.dtype.kind == "f" and name != "sanity")

    torch.manual_seed(123)
    second = _arrays(INSPECTIONS[name](network, images))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.mark.parametrize("name", [name for name in INSPECTIONS if name not in STILL])
def test_the_network_is_given_back_after_an_error(network_and_images, name):
    network, images = network_and_images
    calls = []

    def fail_at_last(module: nn.Module, inputs: Any) -> None:
        calls.append(module)
        if len(calls) == 2:
            raise ZeroDivisionError

    handle = network.get_submodule(convolution_layers(network)[0]).register_forward_pre_hook(fail_at_last)
    try:
        before = _state(network)
        # Some look at one batch only, after one image to find the way; the second pass fails in either case.
        twice = [images[:1], images[1:]] if name in ("histograms", "dead units") else images
        with pytest.raises(ZeroDivisionError):
            INSPECTIONS[name](network, twice)
        _assert_same(_state(network), before)
    finally:
        handle.remove()


@pytest.mark.parametrize("name", ["maps", "deconvnet", "class maps", "top patches", "exciting images"])
def test_a_wrong_layer_is_answered_with_the_valid_ones(network_and_images, name):
    network, images = network_and_images
    wrong = convolution_layers(network)[0] + "x"
    calls: dict[str, Callable[[], Any]] = {
        "maps": lambda: layer_maps(network, images[0], wrong),
        "deconvnet": lambda: project_to_pixels(network, images, wrong, [0, 1]),
        "class maps": lambda: class_maps(network, images, layer=wrong),
        "top patches": lambda: top_patches(network, wrong, _pixels(images), _standardise),
        "exciting images": lambda: exciting_images(network, wrong, [0], tuple(images.shape[1:])),
    }
    with pytest.raises(UsageError) as error:
        calls[name]()
    assert wrong[:-1] in str(error.value)


@pytest.mark.parametrize("name", ["linear", "fully-connected"])
def test_networks_without_convolutions_either_work_or_say_why(name):
    network = build_network(NetworkConfig(name=name), in_channels=1, image_size=(8, 8), num_classes=3, seed=0)
    images = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert occlusion(network, images).maps.shape == (2, 8, 8)
    assert integrated_gradients(network, images).maps.shape == (2, 8, 8)
    assert layer_histograms(network, images).logits.count == 6
    with pytest.raises(ConvscopeError, match="Integrated gradients and occlusion"):
        class_maps(network, images)
