"""A class map is made of maps alone, units by rows and columns; its method by what really follows them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.pictures import where
from convscope.errors import UsageError
from convscope.looking.plan import layer_for_class_maps
from convscope.looking.subject import Subject, open_subject
from convscope.looking.where import cases_for, see_where
from convscope.networks.build import build_network


class Mixed(nn.Module):
    """Maps of 12 units, mixed in some way, and averaged."""

    def __init__(self, mix: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embed, self.mix, self.last = nn.Conv2d(1, 12, 4, stride=4), mix, nn.Identity()
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 3)

    def forward(self, images: Tensor) -> Tensor:
        values = self.last(self.mix(self.embed(images)))
        units_last = values.shape[-1] == 12
        pooled = values.mean((1, 2)) if units_last else self.pool(values).flatten(1)
        logits: Tensor = self.head(pooled)
        return logits


def attended(maps: Tensor) -> Tensor:
    tokens = maps.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).transpose(1, 2).reshape(maps.shape)


def with_units_last(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1)


def seen(network: nn.Module, shape: tuple[int, int, int] = (1, 28, 28)) -> Subject:
    """As much of a subject as a layer is chosen by."""

    class Seen:
        def __init__(self) -> None:
            self.network, self.image_shape = network.eval(), shape

    return cast(Subject, Seen())


def around_attention(maps: Tensor) -> Tensor:
    return maps + attended(maps)


@pytest.mark.parametrize("mix", [torch.tanh, around_attention])
def test_maps_are_found_behind_what_keeps_their_axes(mix: Callable[[Tensor], Tensor]) -> None:
    layer = layer_for_class_maps(seen(Mixed(mix)))
    assert (layer.name, layer.is_pooled_globally) == ("last", True)


@pytest.mark.parametrize("mix", [attended, with_units_last])
def test_three_axes_that_are_not_known_to_be_maps_are_refused(mix: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(UsageError, match=r"the values of last, .*, are no maps of units by rows and columns"):
        layer_for_class_maps(seen(Mixed(mix)))


@pytest.mark.parametrize("classes", [10, 32, 36, 64])
def test_logits_as_many_as_units_are_no_pooling(classes: int) -> None:
    config = NetworkConfig(name="two-conv")
    network = build_network(config, in_channels=1, image_size=(28, 28), num_classes=classes, seed=0)
    assert not layer_for_class_maps(seen(network)).is_pooled_globally


def test_a_network_without_a_class_map_says_why(trained: Path) -> None:
    subject = open_subject(trained)
    other = replace(subject, classifier=replace(subject.classifier, network=Mixed(with_units_last).eval()))
    found = see_where(other, cases_for(other, [other.pick(0)]))
    assert found.methods == ("integrated gradients", "occlusion")
    said = next(each for each in where(found) if each.name == "no-class-map")
    assert "the values of last" in said.sentence
