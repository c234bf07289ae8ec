"""The arithmetic of one value reproduces the network's own, in every network of the catalogue."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.errors import UsageError
from convscope.inspection.arithmetic.documents import PredictionPath, step_from_dict, step_to_dict
from convscope.inspection.arithmetic.explaining import Arithmetic, explain
from convscope.inspection.arithmetic.path import strongest_path
from convscope.inspection.arithmetic.steps import (
    Bent,
    Combined,
    Pooled,
    WeightedSum,
)
from convscope.inspection.arithmetic.trace import Trace, trace_pass
from convscope.networks.build import build_network
from convscope.networks.catalogue import CATALOGUE

EXACT = 1e-5

SHAPES = {
    **{entry.name: entry.image_shape for entry in CATALOGUE if not entry.name.startswith("vgg")},
    "vgg12": (1, 28, 28),
    "vgg11": (3, 32, 32),
    "vgg13": (3, 32, 32),
    "vgg16": (3, 32, 32),
    "vgg19": (3, 32, 32),
    "timm:efficientnet_lite0": (3, 64, 64),  # depthwise convolutions, ReLU6 in place, residual sums
    "timm:resnet18": (3, 64, 64),  # overlapping pooling with padding
    "timm:mobilenetv3_small_050": (3, 64, 64),  # squeeze and excite: products of maps with numbers
}


def lively(name: str) -> nn.Module:
    """A network whose normalisations do something."""
    channels, *size = SHAPES[name]
    network = build_network(
        NetworkConfig(name=name), in_channels=channels, image_size=(size[0], size[1]), num_classes=7, seed=0
    )
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.running_mean.normal_(generator=generator)  # type: ignore[union-attr, operator]
            module.running_var.uniform_(0.5, 2.0, generator=generator)  # type: ignore[union-attr, operator]
            with torch.no_grad():
                module.weight.uniform_(-1.5, 1.5, generator=generator)
                module.bias.normal_(generator=generator)
    return network


def image_of(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


def some_places(trace: Trace, count: int = 3) -> Iterator[Arithmetic]:
    """The arithmetic of a few values of every layer, at corners too."""
    generator = np.random.default_rng(3)
    for layer in trace.layers[1:]:
        sides = layer.shape if len(layer.shape) == 3 else (*layer.shape, 1, 1)
        places = [(0, 0, 0), tuple(side - 1 for side in sides)]
        places += [tuple(int(generator.integers(side)) for side in sides) for _ in range(count)]
        yield from (explain(trace, layer.name, *place) for place in places)


@pytest.mark.parametrize("name", SHAPES)
def test_every_value_is_reckoned_as_the_network_has_it(name: str) -> None:
    network = lively(name)
    image = image_of(SHAPES[name])
    trace = trace_pass(network, image)
    with torch.no_grad():
        expected = network.eval()(image[None])[0]
    assert torch.allclose(trace.logits, expected, rtol=EXACT, atol=EXACT * float(expected.abs().max()))
    met = 0
    for found in some_places(trace):
        for step in found.steps:
            assert abs(step.computed - step.value) <= EXACT * max(1.0, step.magnitude), step.layer
            met += 1
    assert met >= 5 * (len(trace.layers) - 1)


@pytest.mark.parametrize("name", ["two-conv", "small-resnet", "timm:efficientnet_lite0"])
def test_a_convolution_is_what_numpy_makes_of_its_input_and_weights(name: str) -> None:
    """Apart from the trace: the module's own input, taken by a hook, and its weights."""
    network = lively(name).eval()
    image = image_of(SHAPES[name])
    read: dict[str, tuple[nn.Conv2d, np.ndarray]] = {}
    for layer, module in network.named_modules():
        if isinstance(module, nn.Conv2d):

            def keep(module: nn.Conv2d, inputs: tuple[Tensor], layer: str = layer) -> None:
                read[layer] = module, inputs[0][0].detach().clone().numpy()

            module.register_forward_pre_hook(keep)
    with torch.no_grad():
        network(image[None])
    trace = trace_pass(network, image)
    generator = np.random.default_rng(0)
    for layer, (module, inputs) in read.items():
        unit, row, column = (int(generator.integers(side)) for side in trace.values(layer).shape)
        step = explain(trace, layer, unit, row, column, most=None).steps[0]
        assert isinstance(step, WeightedSum)
        above, beside = (int(side) for side in module.padding)  # type: ignore[union-attr]
        padded = np.pad(inputs, ((0, 0), (above, above), (beside, beside)))
        high, wide = module.kernel_size
        top, left = row * module.stride[0], column * module.stride[1]
        first = unit // (module.out_channels // module.groups) * (module.in_channels // module.groups)
        channels = slice(first, first + module.in_channels // module.groups)
        patch = padded[channels, top : top + high, left : left + wide].astype(np.float64)
        weights = module.weight[unit].detach().numpy()
        bias = 0.0 if module.bias is None else float(module.bias.detach()[unit])
        assert step.computed == pytest.approx(float((patch * weights).sum()) + bias, rel=1e-9, abs=1e-9)
        assert (step.top, step.left) == (top - above, left - beside)
        ordered = sorted(step.windows, key=lambda window: window.unit)
        assert np.array_equal(np.stack([window.inputs for window in ordered]), patch.astype(np.float32))


def test_the_steps_are_sum_normalisation_relu_and_pool() -> None:
    trace = trace_pass(lively("two-conv"), image_of(SHAPES["two-conv"]))
    found = explain(trace, "relu1", 3, 5, 6)
    assert [step.layer for step in found.steps] == ["conv1", "pool1", "relu1"]
    assert found.asked == 2
    _, pool, relu = found.steps
    assert isinstance(pool, Pooled)
    assert isinstance(relu, Bent)
    assert pool.inputs.shape == (2, 2)
    assert found.steps[0].value == pool.inputs.max() == pool.value
    assert relu.value == max(0.0, pool.value)
    onward = explain(trace, "conv1", 3, 10, 12)
    assert [step.layer for step in onward.steps] == ["conv1", "pool1", "relu1"]
    assert onward.asked == 0
    assert onward.steps[1].place == (3, 5, 6)


def test_a_residual_sum_names_both_layers() -> None:
    trace = trace_pass(lively("small-resnet"), image_of(SHAPES["small-resnet"]))
    found = explain(trace, "stage1.block1.sum", 4, 3, 2).steps[0]
    assert isinstance(found, Combined)
    assert [part.layer for part in found.parts] == ["stage1.block1.norm2", "stage1.block1.shortcut.norm"]
    for part in found.parts:
        assert part.value == float(trace.values(part.layer)[part.place])


def test_the_windows_that_stay_out_are_summed() -> None:
    trace = trace_pass(lively("two-conv"), image_of(SHAPES["two-conv"]))
    few = explain(trace, "conv2", 7, 2, 3, most=4).steps[0]
    whole = explain(trace, "conv2", 7, 2, 3, most=None).steps[0]
    assert isinstance(few, WeightedSum)
    assert isinstance(whole, WeightedSum)
    assert (len(few.windows), few.units, len(whole.windows), whole.rest) == (4, 16, 16, 0.0)
    assert few.rest == pytest.approx(sum(window.sum for window in whole.windows[4:]))
    sums = [abs(window.sum) for window in whole.windows]
    assert sums == sorted(sums, reverse=True)
    assert not few.inside[0].all() or few.top >= 0


def test_padding_is_told_from_the_image() -> None:
    trace = trace_pass(lively("vgg12"), image_of(SHAPES["vgg12"]))
    corner = explain(trace, "conv1_1", 0, 2, 2).steps[0]  # its window begins one pixel outside the image
    assert isinstance(corner, WeightedSum)
    assert (corner.top, corner.left) == (-1, -1)
    assert corner.inside.tolist() == [[False] * 3, [False, True, True], [False, True, True]]
    assert not corner.windows[0].inputs[~corner.inside].any()


@pytest.mark.parametrize("name", ["linear", "two-conv", "counter", "vgg12", "timm:efficientnet_lite0"])
def test_the_path_goes_from_a_pixel_to_the_answer_without_a_gap(name: str) -> None:
    image = image_of(SHAPES[name])
    trace = trace_pass(lively(name), image)
    path = strongest_path(trace)
    assert path.output == int(trace.logits.argmax())
    assert path.steps[-1].value == pytest.approx(float(trace.logits.max()))
    assert path.steps[0].source == "image"
    channel, row, column = path.pixel
    first = path.steps[0]
    assert isinstance(first, WeightedSum)
    (window,) = [each for each in first.windows if each.unit == channel]
    assert window.inputs[row - first.top, column - first.left] == image[channel, row, column]
    for step in path.steps:
        assert abs(step.computed - step.value) <= EXACT * max(1.0, step.magnitude)
    for earlier, later in zip(path.steps, path.steps[1:], strict=False):
        sources = [part.layer for part in later.parts] if isinstance(later, Combined) else [later.source]
        assert earlier.layer in sources
    again = PredictionPath.from_dict(path.to_dict())
    assert again.to_dict() == path.to_dict()


def test_a_step_survives_json() -> None:
    trace = trace_pass(lively("counter"), image_of(SHAPES["counter"]))
    for found in some_places(trace, 1):
        for step in found.steps:
            assert step_to_dict(step_from_dict(step_to_dict(step))) == step_to_dict(step)


class InPlace(nn.Module):
    """Sums and ReLUs that overwrite what they read, written as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.conv = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.stem(images))
        inside = self.conv(features)
        inside += features
        return self.head(inside.relu_().mean(dim=(2, 3)))


def test_what_is_overwritten_is_kept() -> None:
    torch.manual_seed(0)
    trace = trace_pass(InPlace(), image_of((3, 16, 16)))
    assert [layer.name for layer in trace.layers] == [
        *("image", "stem", "relu", "conv", "sum", "relu #2", "mean", "head")
    ]
    for found in some_places(trace):
        assert all(abs(step.computed - step.value) <= EXACT for step in found.steps)
    assert float(trace.values("conv").min()) < 0


def test_the_network_is_given_back_untouched() -> None:
    network = build_network(
        NetworkConfig(name="counter"), in_channels=3, image_size=(16, 16), num_classes=3, seed=0
    ).train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    trace_pass(network, image_of((3, 16, 16)))
    assert all(module.training and not module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())


def test_several_threads_trace_one_network() -> None:
    network = lively("small-resnet")
    images = [image_of(SHAPES["small-resnet"]) * scale for scale in (1, 2, 3, 4)]
    alone = [trace_pass(network, image).logits for image in images]
    found: list[Tensor | None] = [None] * len(images)

    def work(place: int) -> None:
        found[place] = trace_pass(network, images[place]).logits

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(each is not None and torch.equal(each, one) for each, one in zip(found, alone, strict=True))


def test_what_does_not_exist_is_named() -> None:
    trace = trace_pass(lively("two-conv"), image_of(SHAPES["two-conv"]))
    with pytest.raises(UsageError, match="did you mean conv"):
        explain(trace, "conv3", 0, 0, 0)
    with pytest.raises(UsageError, match="conv1 has no unit 16: there are 16"):
        explain(trace, "conv1", 16, 0, 0)
    with pytest.raises(UsageError, match="no column 99"):
        explain(trace, "conv1", 0, 0, 99)
    with pytest.raises(UsageError, match="no row -1"):
        explain(trace, "conv1", 0, -1, 0)
    with pytest.raises(UsageError, match="choose a layer behind it"):
        explain(trace, "image", 0, 0, 0)


class Mixed(nn.Module):
    """A convolution whose values are mixed in some way, and a fully connected layer."""

    def __init__(self, mix: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embed, self.mix, self.head = nn.Conv2d(3, 8, 4, stride=4), mix, nn.Linear(8, 2)

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.head(self.mix(self.embed(images)))
        return values


def attended(maps: Tensor) -> Tensor:
    tokens = maps.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).mean(1)


def averaged_with_units_last(maps: Tensor) -> Tensor:
    """As a Swin transformer does: the second axis holds rows, not units."""
    return maps.permute(0, 2, 3, 1).mean((1, 2))


@pytest.mark.parametrize("mix", [attended, averaged_with_units_last])
def test_what_is_no_arithmetic_of_maps_is_refused_by_name(mix: Callable[[Tensor], Tensor]) -> None:
    trace = trace_pass(Mixed(mix), image_of((3, 16, 16)))
    with pytest.raises(UsageError, match="is not known"):
        strongest_path(trace)
