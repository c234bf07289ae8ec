"""Rules on values inside a network: nothing that lives is called lost, and what is lost is found."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from convscope.diagnosis.signals import drift, signal, values
from convscope.inspection.signals.dead_units import dead_units
from convscope.inspection.signals.histograms import layer_histograms
from convscope.looking.signals import Drift, Signals


def measured(network: nn.Module, scale: float = 1.0) -> Signals:
    images = scale * torch.randn(16, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return Signals(
        histograms=layer_histograms(network, images),
        dead={each.layer: each for each in dead_units(network, images)},
        images=16,
    )


def layered(*gains: float) -> nn.Sequential:
    """Fully connected layers with rectifiers between, each multiplying the size of its input."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten()]
    for place, gain in enumerate(gains):
        layer = nn.Linear(36, 36, bias=False)
        nn.init.normal_(layer.weight, std=gain * (2 / 36) ** 0.5)
        layers += [layer] if place == len(gains) - 1 else [layer, nn.ReLU()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_a_linear_networks_signal_is_not_lost_whatever_its_scale(scale: float) -> None:
    (found,) = signal(measured(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), scale))
    assert found.severity == "fine"
    assert "lost" not in found.said
    assert "no layer lies between the image and the logits" in found.sentence


def test_a_healthy_network_keeps_its_size() -> None:
    (found,) = signal(measured(layered(1, 1, 1, 1)))
    assert found.severity == "fine"
    assert "a layer" in found.sentence


@pytest.mark.parametrize(("gain", "word"), [(20.0, "explode"), (0.05, "vanish")])
def test_a_signal_that_grows_or_shrinks_a_thousandfold_is_warned_of(gain: float, word: str) -> None:
    (found,) = signal(measured(layered(1, gain, gain, gain)))
    assert found.severity == "warning"
    assert word in found.sentence
    assert "a layer" in found.evidence


def test_a_signal_that_is_lost_is_said_to_be_so_where_it_happens() -> None:
    network = layered(1, 1, 1, 1)
    with torch.no_grad():
        network[3].weight.zero_()  # the second layer
    (found,) = signal(measured(network))
    assert found.severity == "error"
    assert found.sentence == "the signal is lost in 3"
    assert "the same for all images" in found.evidence


def test_values_that_are_not_finite_are_named() -> None:
    network = layered(1, 1, 1)
    with torch.no_grad():
        network[3].weight[0, 0] = math.nan
    found = measured(network)
    assert "not finite" in signal(found)[0].evidence
    assert values(found)[0].severity == "error"


def test_a_network_without_a_rectifier_has_nothing_that_can_die() -> None:
    linear = measured(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)))
    assert values(linear)[-1].sentence == "it has no non-linearity: nothing can die"
    smooth = measured(nn.Sequential(nn.Flatten(), nn.Linear(36, 5), nn.Tanh(), nn.Linear(5, 3)))
    assert "no rectifier among its 1 non-linearity" in values(smooth)[-1].sentence


def test_many_dead_units_are_a_warning() -> None:
    network = layered(1, 1)
    with torch.no_grad():
        network[1].bias = nn.Parameter(torch.full((36,), -100.0))
    found = values(measured(network))[-1]
    assert found.severity == "warning"
    assert found.sentence.startswith("36 of 36 units never fire")


def test_drift_that_begins_or_ends_at_nothing_is_no_infinity() -> None:
    lines = {"a": (0.0, 1.0), "b": (1.0, 2.0), "c": (1.0, math.nan), "d": (1.0, 0.0)}
    found = drift(Drift(steps=(0, 10), deviations=lines))
    assert [each.name for each in found] == ["signal-lost", "drift"]
    assert found[0].sentence.startswith(
        "c, d:"
    )  # the head of some networks starts at 0 on purpose, as a does
    assert found[1].sentence.startswith("b moves most: standard deviation 1 at step 0, 2 at step 10")


def test_nothing_is_measured_from_nothing() -> None:
    assert drift(Drift(steps=(0, 10), deviations={"a": (0.0, 0.0)}))[0].severity == "warning"
    assert np.isfinite(measured(layered(1, 1)).histograms.logits.std)
