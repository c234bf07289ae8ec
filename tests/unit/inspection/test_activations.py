import numpy as np
import torch
from torch import Tensor, nn

from convscope.inspection.activations import layer_maps, maps_behind


def test_maps_are_the_layers_output_before_the_relu_behind_it(small, images):
    image = images(1, (1, 12, 12))
    maps = layer_maps(small, image, "bn1")
    with torch.no_grad():
        expected = small.bn1(small.conv1(image))[0].numpy()
    assert np.allclose(maps.maps, expected, atol=1e-6)
    assert maps.maps.min() < 0  # the ReLU behind works in place, and must not be seen


def test_strongest_first(small, images):
    maps = layer_maps(small, images(1, (1, 12, 12))[0], "relu2")
    peaks = maps.strongest(6).max(axis=(1, 2))
    assert (np.diff(peaks) <= 0).all()
    assert maps.scale == peaks[0]


def test_a_layer_without_height_and_width(small, images):
    assert layer_maps(small, images(1, (1, 12, 12)), "head").maps.shape == (3, 1, 1)


class Gated(nn.Module):
    """A residual block with squeeze and excitation, then convolutions with a bottleneck of as many units."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1)
        self.squeeze, self.excite = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
        self.narrow, self.wide, self.last = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        values = self.stem(images)
        inner = self.conv(values)
        gate = self.excite(self.squeeze(inner.mean((2, 3), keepdim=True)).relu()).sigmoid()
        inner = inner * gate
        inner += values
        logits: Tensor = self.last(self.wide(self.narrow(inner.relu_())).relu()).mean((2, 3))
        return logits


def test_behind_a_gate_are_the_maps_that_it_weighs_and_not_the_gate(images):
    network, image = Gated().eval(), images(1, (3, 9, 9))
    behind = maps_behind(network, image, "conv")
    assert behind.nonlinearity == "relu"
    with torch.no_grad():
        values = network.stem(image)
        inner = network.conv(values)
        gate = network.excite(network.squeeze(inner.mean((2, 3), keepdim=True)).relu()).sigmoid()
    assert np.allclose(behind.maps, (inner * gate + values).relu()[0].numpy(), atol=1e-6)


def test_a_layer_whose_next_is_a_convolution_gives_its_own_maps(images):
    """Though one further on has as many units, and a ReLU."""
    found = maps_behind(Gated().eval(), images(1, (3, 9, 9)), "narrow")
    assert found.nonlinearity == ""
    assert found.maps.shape == (4, 9, 9)
    assert maps_behind(Gated().eval(), images(1, (3, 9, 9)), "wide").nonlinearity == "relu"
