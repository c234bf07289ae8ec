import math

import pytest
import timm
import torch
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.errors import ConvscopeError
from convscope.networks.build import build_network
from convscope.networks.catalogue import network_names
from convscope.networks.following.receptive_fields import Box, ReceptiveField, receptive_fields
from convscope.networks.vgg import VGG

LOOKING = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)


def make_every_pixel_count(network: nn.Module) -> nn.Module:
    """Positive weights and average pooling: a unit's gradient is then positive wherever it can see."""
    network.eval()
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.MaxPool2d):
            average = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
            network.set_submodule(name, average)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # timm starts the last one of each residual block at 0
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.constant_(module.weight, 1 / math.prod(module.weight.shape[1:]))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def check_against_gradients(network: nn.Module, image_shape: tuple[int, int, int], every: int = 1) -> None:
    """Compare the boxes of every n-th layer that looks further with the support of its gradient."""
    followed = receptive_fields(network, image_shape)
    looking = [name for name, module in network.named_modules() if isinstance(module, LOOKING)]
    fields = {name: followed[name] for name in {*looking[::every], looking[-1]}}
    network = make_every_pixel_count(network)
    outputs: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: outputs.__setitem__(name, output.clone())
        )
    images = torch.full((1, *image_shape), 1e-3, requires_grad=True)
    network(images)
    for name, field in fields.items():
        output = outputs[name]
        rows, columns = output.shape[-2:] if output.ndim == 4 else (1, 1)
        for row, column in {(0, columns // 3), (rows // 2, columns // 2), (rows - 1, columns - 1)}:
            units = output[0, :, row, column] if output.ndim == 4 else output
            (gradient,) = torch.autograd.grad(units.sum(), images, retain_graph=True)
            box, expected = field.box(row, column), support(gradient)
            if expected is None:  # the unit sees nothing but padding
                assert box.top == box.bottom or box.left == box.right, (name, row, column)
            else:
                assert box == expected, (name, row, column)


def support(gradient: Tensor) -> Box | None:
    seen = gradient[0].abs().sum(dim=0) > 0
    if not seen.any():
        return None
    rows, columns = seen.any(dim=1).nonzero().flatten(), seen.any(dim=0).nonzero().flatten()
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


@pytest.mark.parametrize("name", network_names())
def test_boxes_are_the_support_of_the_gradient(name: str) -> None:
    image_size = (32, 35) if name.startswith("vgg") else (17, 22)
    network = build_network(
        NetworkConfig(name=name), in_channels=1, image_size=image_size, num_classes=2, seed=0
    )
    check_against_gradients(network, (1, *image_size), every=4)


@pytest.mark.parametrize(
    "name", ["resnet18", "efficientnet_lite0", "tf_efficientnet_lite0", "efficientnet_b0"]
)
def test_timm_networks_too(name: str) -> None:
    network = timm.create_model(name, num_classes=2)
    check_against_gradients(network, (3, 37, 48), every=6)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2), nn.Conv2d(2, 2, (1, 5), stride=(1, 2), padding=(0, 2))),
        nn.Sequential(
            nn.ZeroPad2d((1, 2, 1, 1)),
            nn.Conv2d(1, 2, 4, stride=2),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.AdaptiveAvgPool2d((2, 5)),
        ),
        nn.Sequential(nn.ConstantPad2d((3, 0, 1, 2), 0.0), nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2)),
        nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(1, 4, 3), nn.Hardswish(), nn.Conv2d(4, 1, 2)),
    ],
    ids=[
        "dilation and rectangles",
        "rounded up and adaptive",
        "padding and group norm",
        "average and activation",
    ],
)
def test_other_layers(network: nn.Module) -> None:
    fields = receptive_fields(network, (1, 16, 17))
    if any(isinstance(module, nn.GroupNorm) for module in network):
        assert fields["2"].box(0, 0) == Box(0, 0, 16, 17)
    else:
        check_against_gradients(network, (1, 16, 17))


def test_two_3x3_see_5x5_and_three_see_7x7() -> None:
    fields = receptive_fields(nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(3))), (1, 20, 20))
    assert [fields[name].size for name in "012"] == [(3, 3), (5, 5), (7, 7)]


def test_vgg16_sees_as_published() -> None:
    with torch.device("meta"):
        network = VGG(16, 3, (224, 224), 1000)
    fields = receptive_fields(network, (3, 224, 224))
    assert fields["conv5_3"].size == (196, 196)
    assert fields["pool5"].size == (212, 212)
    assert fields["pool5"].stride == (32, 32)
    assert fields["logits8"].box(0, 0) == Box(0, 0, 224, 224)


def test_a_box_is_cut_at_the_border() -> None:
    field = ReceptiveField(size=(5, 3), stride=(2, 1), offset=(-2, -1), image_size=(8, 6))
    assert field.box(0, 0) == Box(top=0, left=0, bottom=3, right=2)
    assert field.box(1, 2) == Box(top=0, left=1, bottom=5, right=4)
    assert field.box(3, 5) == Box(top=4, left=4, bottom=8, right=6)


def test_a_place_is_not_claimed_where_the_image_cannot_be_followed() -> None:
    with pytest.raises(ConvscopeError, match=r"layer patch_embed.* is not known: .*rearranged"):
        receptive_fields(timm.create_model("vit_tiny_patch16_224"), (3, 224, 224))
    with pytest.raises(ConvscopeError, match="transposed convolution"):
        receptive_fields(nn.Sequential(nn.ConvTranspose2d(1, 1, 3, 2)), (1, 8, 8))
    with pytest.raises(ConvscopeError, match="uneven windows"):
        receptive_fields(nn.Sequential(nn.AdaptiveAvgPool2d(3)), (1, 8, 8))


def test_a_sum_in_place_does_not_reach_back() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, images: Tensor) -> Tensor:
            total: Tensor = self.narrow(images)
            total += self.wide(images)
            return total

    fields = receptive_fields(nn.Sequential(Sum()), (1, 8, 8))
    assert fields["0.narrow"].size == (1, 1)
    assert fields["0"].size == (3, 3)
