"""Numbers that are not finite stop training at once, are explained, and never reach a checkpoint."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import convscope
from convscope.errors import DivergedError
from convscope.runs.checkpoints import list_checkpoints
from convscope.runs.folder import Run
from convscope.training.updating.guard import FiniteGuard, first_non_finite_layer, gradient_norm

Train = Callable[..., Run]


def only_run(tmp_path: Path) -> Run:
    [path] = (tmp_path / "runs").iterdir()
    return Run.open(path)


def test_a_rate_of_a_million_is_stopped_and_explained(train: Train, tmp_path: Path) -> None:
    with pytest.raises(DivergedError) as caught:
        train(learning_rate=1e6, optimizer="sgd", schedule="constant", steps=50, checkpoint_every=1)
    assert caught.value.exit_code == 4
    message = str(caught.value)
    assert "step " in message
    assert any(layer in message for layer in ("conv1", "conv2", "fully_connected", "logits"))
    assert "--learning-rate 1e+05" in message
    assert len(message.splitlines()) <= 3
    run = only_run(tmp_path)
    for path in list_checkpoints(run.checkpoint_folder):
        weights = convscope.load(run.path, path.name).network.state_dict()
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_the_last_good_checkpoint_is_kept_and_loads(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A weight turns infinite after step 5: what step 4 left is whole, and step 6 is never written."""
    watch = FiniteGuard.watch

    def spoil(self: FiniteGuard, step: int, *arguments: object) -> None:
        watch(self, step, *arguments)
        if step == 5:
            with torch.no_grad():
                self._network.logits.weight[0, 0] = torch.inf

    monkeypatch.setattr(FiniteGuard, "watch", spoil)
    with pytest.raises(DivergedError, match="logits"):
        train(steps=9, checkpoint_every=1, keep_checkpoints=9, validate_every=9, record_every=9)
    run = only_run(tmp_path)
    assert list_checkpoints(run.checkpoint_folder)[-1].name == "step-00000004"
    weights = convscope.load(run.path).network.state_dict()
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_a_weight_that_is_infinite_is_found_though_the_loss_is_not() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    guard = FiniteGuard(network, torch.device("cpu"))
    guard.check(5, 0.1)
    with torch.no_grad():
        network[1].bias[1] = -torch.inf
    with pytest.raises(DivergedError, match=r"1\.bias"):
        guard.check(5, 0.1)


def test_batch_statistics_are_weights_too() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    network[1].running_var[0] = torch.nan
    with pytest.raises(DivergedError, match=r"1\.running_var"):
        FiniteGuard(network, torch.device("cpu")).check(5, 0.1)


def test_a_gradient_that_is_not_finite_names_its_layer() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    images = torch.ones(1, 2)
    loss = network(images).sum()
    loss.backward()
    network[1].weight.grad[0, 0] = torch.nan
    with pytest.raises(DivergedError, match=r"step 7: the gradient of 1\.weight is not finite"):
        FiniteGuard(network, torch.device("cpu")).watch(7, loss, gradient_norm(network), images, 0.1)


def test_the_first_layer_in_order_of_execution_is_named() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = nn.Linear(2, 2)
            self.first = nn.Linear(2, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(images))

    network = Backwards()
    assert first_non_finite_layer(network, torch.ones(1, 2)) is None
    with torch.no_grad():
        network.first.weight[0, 0] = torch.nan
    assert first_non_finite_layer(network, torch.ones(1, 2)) == "first"
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


def test_a_weight_that_is_infinite_is_named_with_its_step() -> None:
    network = nn.Linear(2, 2)
    with torch.no_grad():
        network.bias[0] = torch.inf
    with pytest.raises(DivergedError, match="step"):
        FiniteGuard(network, torch.device("cpu")).check(5, 0.1)
