"""Evaluation changes nothing: not a weight, a buffer, a mode or a random state."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope
from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import compute_logits, evaluation_mode
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.evaluation.evaluating import evaluate_path
from convscope.runs.folder import Run

NETWORKS = {
    "batch norm": NetworkConfig(name="small-resnet"),
    "dropout": NetworkConfig(name="two-conv", dropout=0.5),
    "both": NetworkConfig(name="vgg12", dropout=0.5, batch_norm=True),
    "foreign": NetworkConfig(name="timm:resnet10t", dropout=0.5),
}


def trained(network: nn.Module) -> list[bytes]:
    """The weights, as comparable values."""
    return [parameter.detach().contiguous().numpy().tobytes() for parameter in network.parameters()]


def everything(network: nn.Module) -> dict[str, object]:
    """All that must be the same afterwards, as comparable values."""
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()]
    return {
        "tensors": {
            name: tensor.contiguous().numpy().tobytes() for name, tensor in network.state_dict().items()
        },
        "modes": [module.training for module in network.modules()],
        "gradients": [(p.requires_grad, p.grad is None) for p in network.parameters()],
        "hooks": hooks,
        "random": (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()),
        "enabled": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    }


def images(count: int = 5, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, channels, 32, 32), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_change_nothing(name: str) -> None:
    classifier = Classifier.build(
        NETWORKS[name], Preprocessing(height=32, width=32, channels=3), Target(class_names=("a", "b")), seed=0
    )
    network = classifier.network
    network.train()
    for number, module in enumerate(network.modules()):  # part of it frozen, as in training of a head alone
        module.training = number % 3 != 0
    given, before = images(), everything(network)
    first = classifier.logits(given)
    assert everything(network) == before
    assert given.equal(images())
    assert classifier.logits(given).equal(first)


def test_modes_come_back_after_an_error() -> None:
    network = nn.Sequential(nn.Dropout(), nn.Linear(2, 2))
    network[0].eval()
    with evaluation_mode(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == [True, False, True]
    preprocessing = Preprocessing(height=32, width=32, channels=3)
    with pytest.raises(RuntimeError):
        compute_logits(network, preprocessing, images())
    assert [module.training for module in network.modules()] == [True, False, True]
    assert torch.is_grad_enabled()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "noise"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            noise = np.random.default_rng([ord(name), number]).integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    runs = tmp_path_factory.mktemp("runs")
    return convscope.train(folder, runs=runs, network="two-conv", dropout=0.5, steps=2, threads=1).path


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_evaluating_a_run_changes_neither_it_nor_the_random_state(run: Path) -> None:
    files, before = content(run), everything(nn.Identity())
    first = evaluate_path(run).to_dict()
    assert everything(nn.Identity()) == before
    assert evaluate_path(run).to_dict() == first
    convscope.load(run).predict(Image.new("L", (12, 12)))
    evaluate_path(run, checkpoint="untrained")
    assert content(run) == files
    assert everything(nn.Identity()) == before


def test_a_network_on_its_way_is_measured_without_a_trace(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Look at weights, modes and random state right before and right after each validation of a training.

    What batch normalisation has averaged is measured anew on purpose; training never reads it.
    """
    from convscope.training.loop import Loop

    measure = Loop.measure
    seen = []

    def watched(self: Loop) -> object:
        before = trained(self.state.network), [m.training for m in self.state.network.modules()]
        state = torch.get_rng_state()
        result = measure(self)
        after = trained(self.state.network), [m.training for m in self.state.network.modules()]
        seen.append(before == after and torch.get_rng_state().equal(state))
        return result

    monkeypatch.setattr(Loop, "measure", watched)
    data = Run.open(run).config.data.source
    for settings in ({"network": "small-resnet"}, {"network": "two-conv", "dropout": 0.5}):
        convscope.train(data, runs=tmp_path, **settings, steps=3, validate_every=1, threads=1)
    assert seen == [True] * 8


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_mirrored_answers_are_the_mean_of_both_and_the_mirror_image_gets_the_same(task: str) -> None:
    target = (
        Target(class_names=("a", "b")) if task == "classification" else Target(task="regression", mean=5.0)
    )
    plain = Classifier.build(
        NETWORKS["batch norm"], Preprocessing(height=32, width=32, channels=3), target, seed=0
    )
    mirrored = replace(plain, preprocessing=replace(plain.preprocessing, mirrored=True))
    given = images()
    mean = (plain.logits(given) + plain.logits(given.flip(3))) / 2
    assert torch.allclose(mirrored.logits(given), mean, atol=1e-6)
    assert not torch.allclose(plain.logits(given), mean, atol=1e-3)
    assert mirrored.logits(given.flip(3)).equal(mirrored.logits(given))
    assert Preprocessing.from_dict(mirrored.preprocessing.to_dict()).mirrored


def test_preprocessing_that_was_kept_before_answers_were_mirrored_is_not() -> None:
    kept = Preprocessing(height=32, width=32, channels=3).to_dict()
    del kept["mirrored"]
    assert not Preprocessing.from_dict(kept).mirrored
