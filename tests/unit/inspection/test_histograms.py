import numpy as np
import pytest
import torch
from torch import nn

from convscope.inspection.signals.dead_units import dead_units
from convscope.inspection.signals.histograms import layer_histograms
from convscope.inspection.signals.running_histogram import RunningHistogram


def test_a_stream_counts_as_one_array_does():
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.zeros(5),
        torch.randn(1000, generator=generator) * 1e-3,
        torch.randn(999, generator=generator) * 50,
    ]
    running = RunningHistogram("x")
    for part in parts:
        running.add(part)
    found, values = running.result(), torch.cat(parts).double().numpy()
    assert found.counts.sum() == found.count == len(values)
    expected, middle = np.histogram(values, found.edges)[0], int(np.argmin(np.abs(found.edges)))
    assert expected[middle - 1 : middle + 1].sum() == found.counts[middle - 1 : middle + 1].sum()
    assert (np.delete(expected, [middle - 1, middle]) == np.delete(found.counts, [middle - 1, middle])).all()
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std())
    assert (found.minimum, found.maximum) == (values.min(), values.max())
    assert 0.0 in found.edges


def test_values_that_are_not_finite_are_counted_apart():
    running = RunningHistogram("x")
    running.add(torch.tensor([1.0, float("nan"), float("inf"), -3.0]))
    assert (running.result().count, running.result().non_finite, running.result().mean) == (2, 2, -1.0)


def test_a_layer_of_zeros():
    running = RunningHistogram("x")
    running.add(torch.zeros(10))
    assert running.result().counts.sum() == 10
    assert running.result().std == 0


def test_the_values_before_the_relu_are_seen_even_if_it_works_in_place(small, images):
    batch = images(10, (1, 12, 12))
    found = layer_histograms(small, batch, batch_size=4)
    assert [layer.name for layer in found.layers] == ["bn1", "conv2"]
    with torch.no_grad():
        values = small.bn1(small.conv1(batch)).numpy()
        logits = small(batch)
    assert found.layers[0].minimum == pytest.approx(values.min(), abs=1e-5)
    assert found.layers[0].minimum < 0
    assert found.layers[0].mean == pytest.approx(values.mean(), abs=1e-5)
    assert found.layers[0].zero_share == pytest.approx((values <= 0).mean(), abs=1e-3)
    assert found.logits.std == pytest.approx(float(logits.std(correction=0)), abs=1e-5)
    assert found.probabilities.count == 30
    assert found.probabilities.minimum >= 0
    assert found.probabilities.maximum <= 1
    assert found.probabilities.mean == pytest.approx(1 / 3, abs=1e-6)


def test_the_probabilities_are_of_logits_divided_by_the_temperature(small, images):
    batch = images(10, (1, 12, 12))
    found = layer_histograms(small, batch, temperature=0.1)
    with torch.no_grad():
        logits = small(batch)
    assert found.logits.maximum == pytest.approx(float(logits.max()), abs=1e-5)
    assert found.probabilities.maximum == pytest.approx(float((logits / 0.1).softmax(1).max()), abs=1e-5)


def test_functional_relus_are_named_by_what_feeds_them(residual, images):
    found = layer_histograms(residual, images(4, (3, 16, 16)))
    assert [layer.name for layer in found.layers] == ["stem", "bn1", "after bn2"]


def test_a_pooling_between_layer_and_relu_does_not_hide_the_layer():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    found = layer_histograms(network, torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0)))
    assert [(layer.name, layer.count) for layer in found.layers] == [("0", 3 * 2 * 4)]


@pytest.mark.parametrize(
    ("name", "first", "last", "kind"),
    [("resnet18", "bn1", "layer4.1", "relu"), ("efficientnet_lite0", "bn1", "bn2", "relu6")],
)
def test_timm_networks(made, images, name, first, last, kind):
    network, shape = made(name)
    found = layer_histograms(network, images(2, shape))
    assert found.layers[0].name == first
    assert found.layers[-1].name == last
    assert {layer.nonlinearity for layer in found.layers} == {kind}
    assert all(layer.minimum < 0 < layer.maximum for layer in found.layers)


def _conv_stack(std: float) -> nn.Sequential:
    layers = [layer for index in range(4) for layer in (nn.Conv2d(1 if index == 0 else 16, 16, 3), nn.ReLU())]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 16, 10))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            size = std if parameter.ndim > 1 else 0.0
            parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
    return network


def test_exploding_and_vanishing_values_show_in_the_growth():
    batch = torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    assert layer_histograms(_conv_stack(1.0), batch).growth > 5
    assert layer_histograms(_conv_stack(0.01), batch).growth < 0.2


def test_dead_units_are_found(images):
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2), nn.ReLU())
    with torch.no_grad():
        network[0].weight[1] = 0
        network[0].bias[1] = -1
        network[3].weight[:] = 0
        network[3].bias[:] = torch.tensor([1.0, -1.0])
    first, second = dead_units(network, images(20, (1, 4, 4)), batch_size=6)
    assert (first.layer, second.layer) == ("0", "3")
    assert first.dead.tolist() == [False, True, False]
    assert first.share == pytest.approx(1 / 3)
    assert second.firing_share.tolist() == [1.0, 0.0]
    assert second.images == 20


def test_a_unit_that_fires_on_one_image_is_not_dead():
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 1), nn.ReLU())
    with torch.no_grad():
        network[1].weight.fill_(1.0)
        network[1].bias.zero_()
    batch = -torch.ones(10, 1, 1, 1)
    batch[7] = 1
    (found,) = dead_units(network, batch, batch_size=3)
    assert found.firing_share.tolist() == [0.1]
    assert not found.dead.any()
