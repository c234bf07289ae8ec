import pytest
import timm
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.networks.conv4 import Conv4
from convscope.networks.following.shapes import output_shapes
from convscope.networks.following.summarising import summarise
from convscope.networks.fully_connected import FullyConnected
from convscope.networks.summary import Summary
from convscope.networks.two_conv import TwoConv
from convscope.networks.vgg import BLOCKS, VGG
from convscope.networks.vgg12 import VGG12


def vgg(depth: int, side: int = 224) -> nn.Module:
    with torch.device("meta"):
        return VGG(depth, 3, (side, side), 1000)


def weights(summary: Summary) -> list[int]:
    return [layer.weights for layer in summary.layers if layer.weights]


def test_vgg16_has_the_published_weights_and_shapes() -> None:
    summary = summarise(vgg(16), (3, 224, 224))
    assert weights(summary) == [
        1728, 36864, 73728, 147456, 294912, 589824, 589824, 1179648, *[2359296] * 5,
        102760448, 16777216, 4096000,
    ]  # fmt: skip
    shapes = {layer.name: layer.output_shape for layer in summary.layers}
    assert shapes["conv1_1"] == (64, 224, 224)
    assert [shapes[f"pool{block}"] for block in range(1, 6)] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip
    assert shapes["logits8"] == (1000,)
    assert summary.total.parameters == 138_357_544
    assert summary.total.flops == 2 * 15_470_264_320  # 15.47 billion multiply-accumulates


def test_a_grey_image_has_576_weights_in_the_first_layer() -> None:
    with torch.device("meta"):
        network = VGG(16, 1, (224, 224), 1000)
    assert weights(summarise(network, (1, 224, 224)))[0] == 576


@pytest.mark.parametrize("depth", BLOCKS)
def test_vgg_counts_its_layers_with_weights(depth: int) -> None:
    assert len(weights(summarise(vgg(depth, 64), (3, 64, 64)))) == depth


def test_vgg12_pads_28_to_32() -> None:
    with torch.device("meta"):
        network = VGG12(1, (28, 28), 10)
    summary = summarise(network, (1, 28, 28))
    shapes = {layer.name: layer.output_shape for layer in summary.layers}
    assert shapes["pad"] == (1, 32, 32)
    assert shapes["flatten"] == (2048,)
    assert len(weights(summary)) == 12


def test_vgg12_pads_evenly() -> None:
    network = VGG12(1, (28, 29), 10)
    padded = network.pad(torch.ones(1, 1, 28, 29))[0, 0]
    assert padded.shape == (32, 32)
    assert padded.sum(dim=1).tolist() == [0, 0, *[29] * 28, 0, 0]
    assert padded.sum(dim=0).tolist() == [0, *[28] * 29, 0, 0]


def test_the_networks_of_the_sources_have_their_sizes() -> None:
    assert weights(summarise(FullyConnected(1, (28, 28), 10), (1, 28, 28))) == [392000, 250000, 5000]
    assert weights(summarise(Conv4(1, (28, 28), 10), (1, 28, 28)))[-1] == 62720
    two_conv = summarise(TwoConv(1, (28, 28), 10), (1, 28, 28))
    assert weights(two_conv) == [400, 14400, 1764 * 128, 1280]
    conv1 = two_conv.layers[0]
    assert (conv1.name, conv1.kind, conv1.biases) == ("conv1", "Conv2d", 16)
    assert conv1.flops == 2 * 25 * 16 * 28 * 28
    assert (conv1.receptive_field, conv1.stride) == ((5, 5), (1, 1))


def test_pooling_before_relu_saves_three_quarters_of_its_work() -> None:
    shapes = output_shapes(TwoConv(1, (28, 28), 10), (1, 28, 28))
    assert shapes["relu1"] == (16, 14, 14)
    assert shapes["conv1"] == (16, 28, 28)


@pytest.mark.parametrize(("side", "stacked", "single"), [(5, 2, 25), (7, 3, 49)])
def test_stacked_small_kernels_see_as_far_with_fewer_weights(side: int, stacked: int, single: int) -> None:
    network = nn.Sequential(*(nn.Conv2d(8, 8, 3, bias=False) for _ in range(stacked)))
    summary = summarise(network, (8, 16, 16))
    assert summary.layers[-1].receptive_field == (side, side)
    assert summary.total.weights == stacked * 9 * 64 < single * 64


def test_three_3x3_have_55_percent_of_the_weights_of_one_7x7() -> None:
    three = summarise(nn.Sequential(*(nn.Conv2d(8, 8, 3) for _ in range(3))), (8, 16, 16)).total.weights
    one = summarise(nn.Sequential(nn.Conv2d(8, 8, 7)), (8, 16, 16)).total.weights
    assert round(100 * three / one) == 55


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0", "vit_tiny_patch16_224"])
def test_timm_networks_are_counted_whole(name: str) -> None:
    network = timm.create_model(name, num_classes=7)
    summary = summarise(network, (3, 224, 224))
    assert summary.total.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert summary.layers[-1].output_shape in ((7,), ())
    assert summary.total.flops > 1e8


def test_shared_weights_are_counted_once_and_repeated_calls_add_flops() -> None:
    layer = nn.Linear(10, 10, bias=False)
    summary = summarise(nn.Sequential(nn.Flatten(), layer, layer), (1, 2, 5))
    assert summary.total.weights == 100
    assert summary.total.flops == 2 * 2 * 100


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.ReLU())
    network[2].eval()
    called = []
    network[0].register_forward_hook(lambda *_: called.append(1))
    network(torch.randn(2, 1, 8, 8))[0, 0, 0, 0].backward()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    state = torch.random.get_rng_state()

    summarise(network, (1, 8, 8))

    assert called == [1]
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network[0].weight.grad is not None
    assert [len(module._forward_hooks) for module in network.modules()] == [0, 1, 0, 0, 0]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot take images of 3×28×28"):
        summarise(TwoConv(1, (28, 28), 10), (3, 28, 28))


def test_products_inside_attention_are_counted_with_the_layer_that_makes_them() -> None:
    tokens, width = 14 * 14 + 1, 192  # with the class token
    summary = summarise(timm.create_model("vit_tiny_patch16_224"), (3, 224, 224))
    attention = [layer for layer in summary.layers if layer.kind == "Attention"]
    assert [layer.flops for layer in attention] == [2 * 2 * tokens * tokens * width] * 12
    assert summary.total.flops == sum(layer.flops for layer in summary.layers)
