import numpy as np
import torch

from convscope.inspection.activations import layer_maps


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
