"""One classifier for many threads: always in evaluation mode, and predicting touches no shared state."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import compute_logits, evaluation_mode
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing

SCRIPT = Path(__file__).parents[3] / "scripts" / "predict_in_threads.py"
CONFIG = NetworkConfig(name="small-resnet")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("predict_in_threads", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build() -> Classifier:
    preprocessing = Preprocessing(height=32, width=32, channels=3)
    return Classifier.build(CONFIG, preprocessing, Target(class_names=("a", "b")), seed=0)


def modes(network: nn.Module) -> set[bool]:
    return {module.training for module in network.modules()}


def test_four_threads_get_the_bits_of_one(script: ModuleType) -> None:
    assert script.wrong_answers(CONFIG, threads=4, rounds=12, toggle=False) == 0


def test_the_comparison_finds_a_bit_that_differs(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control; that of the script itself, `--toggle`, waits for threads to meet."""
    calls = iter(range(1_000))

    def shaken(*arguments: object, **options: object) -> torch.Tensor:
        return compute_logits(*arguments, **options) * (1 + 1e-6 * (next(calls) == 7))

    monkeypatch.setattr("convscope.classifier.classifier.compute_logits", shaken)
    assert script.wrong_answers(CONFIG, threads=4, rounds=3, toggle=False) == 1


def test_every_way_to_a_classifier_ends_in_evaluation_mode(tmp_path: Path) -> None:
    built = build()
    assert modes(built.network) == {False}
    assert modes(Classifier.load(built.save(tmp_path / "saved")).network) == {False}
    assert modes(Classifier.load(tmp_path / "saved").to("cpu").network) == {False}


def test_a_network_that_someone_trains_is_still_asked_in_evaluation_mode() -> None:
    classifier = build()
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    expected = classifier.logits(images)
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    classifier.network.train()
    assert classifier.logits(images).equal(expected)
    assert modes(classifier.network) == {True}
    assert all(tensor.equal(before[name]) for name, tensor in classifier.network.state_dict().items())
    with torch.no_grad():
        for parameter in classifier.network.parameters():
            parameter.mul_(1.5)
    moved = classifier.logits(images)
    classifier.network.eval()
    assert not moved.equal(expected)
    assert moved.equal(classifier.logits(images)), "the weights as they are now, not as they were"


def test_measuring_a_network_in_training_gives_the_bits_of_evaluation_mode() -> None:
    classifier = build()
    images = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    network = classifier.network.train()
    measured = compute_logits(network, classifier.preprocessing, images)
    with evaluation_mode(network):
        assert compute_logits(network, classifier.preprocessing, images).equal(measured)
