"""Fine-tuning: which layers move, how fast, and what frozen ones do while the others learn."""

import pytest
import timm
import torch
from torch import nn

from convscope.data.preprocessing import Preprocessing
from convscope.training.fine_tuning.stages import (
    freeze_backbone,
    freeze_early_stages,
    rate_scales,
    set_training_mode,
    soften_head,
    stages,
    start_from_fitted_head,
)
from convscope.training.updating.optimizers import build_optimizer, set_learning_rate


@pytest.fixture
def network():
    torch.manual_seed(0)
    return timm.create_model("efficientnet_lite0", pretrained=False, num_classes=2)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "vit_tiny_patch16_224"])
def test_stages_hold_every_parameter_once_from_input_to_head(name):
    network = timm.create_model(name, pretrained=False, num_classes=2)
    every = [parameter for stage in stages(network) for parameter in stage]
    assert sorted(every) == sorted(name for name, _ in network.named_parameters())
    weight = network.get_classifier().weight
    last = {id(network.get_parameter(parameter)) for parameter in stages(network)[-1]}
    assert id(weight) in last


def test_a_network_that_names_no_stages_has_its_modules():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    assert stages(network) == [["0.weight", "0.bias"], ["3.weight", "3.bias"]]


def test_rates_fall_towards_the_input(network):
    scales = rate_scales(network, 0.5)
    assert set(scales) == {name for name, _ in network.named_parameters()}
    assert scales["classifier.weight"] == scales["conv_head.weight"] == 1.0
    assert scales["blocks.5.0.conv_pw.weight"] == 0.5
    assert scales["conv_stem.weight"] == 0.5**7


def test_a_softened_head_gives_the_same_answers_and_is_less_sure(network):
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network.eval()
    with torch.no_grad():
        network.classifier.bias.fill_(0.3)
        before = network(images)
        backbone = network.conv_head.weight.clone()
        soften_head(network, 0.25)
        assert torch.allclose(network(images), before / 4, atol=1e-6)
    assert network.conv_head.weight.equal(backbone)


def test_early_stages_stay_to_the_bit_while_late_ones_move(network):
    freeze_early_stages(network, 0.45)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = build_optimizer(
        network, "adamw", weight_decay=0.1, momentum=0.9, rate_scales=rate_scales(network, 0.7)
    )
    set_training_mode(network, frozen_statistics=False)
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    nn.functional.cross_entropy(network(images), torch.tensor([0, 1, 0, 1])).backward()
    set_learning_rate(optimizer, 1e-2)
    optimizer.step()
    after = network.state_dict()
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    frozen = ("conv_stem", "bn1", "blocks.0", "blocks.1", "blocks.2")
    assert not [name for name in moved if name.startswith(frozen)]
    assert {"blocks.3.0.conv_pw.weight", "blocks.3.0.bn1.running_mean", "classifier.weight"} <= moved


def test_frozen_statistics_stay_everywhere(network):
    set_training_mode(network, frozen_statistics=True)
    before = network.bn2.running_mean.clone()
    network(torch.rand(4, 3, 64, 64))
    assert torch.equal(network.bn2.running_mean, before)
    assert network.training


def test_a_frozen_backbone_trains_the_head_alone(network):
    freeze_backbone(network)
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {"classifier.weight", "classifier.bias"}


def test_the_head_is_never_frozen(network):
    freeze_early_stages(network, 1.0)
    assert network.classifier.weight.requires_grad
    assert not network.conv_head.weight.requires_grad


def test_a_fitted_head_answers_the_training_images_and_nothing_else_moves(network):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(24) % 2
    images = torch.randint(0, 120, (24, 3, 48, 48), dtype=torch.uint8, generator=generator)
    images[labels == 1, 0] += 120
    backbone = network.blocks[6][0].conv_pw.weight.clone()
    start_from_fitted_head(network, Preprocessing(48, 48, 3), images, labels, num_classes=2)
    with torch.inference_mode():
        predicted = network.eval()(images / 255).argmax(1)
    assert (predicted == labels).float().mean() > 0.9
    assert torch.equal(network.blocks[6][0].conv_pw.weight, backbone)
