import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

from convscope.training.updating.optimizers import (
    build_optimizer,
    flatten_state,
    restore_state,
    set_learning_rate,
)

TORCHS = {
    "sgd": lambda groups: SGD(groups, lr=0.02),
    "momentum": lambda groups: SGD(groups, lr=0.02, momentum=0.9),
    "nesterov": lambda groups: SGD(groups, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda groups: Adam(groups, lr=0.02),
    "adamw": lambda groups: AdamW(groups, lr=0.02),
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(12, 2))


def backward(net: nn.Module, step: int) -> None:
    net.zero_grad()
    images = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(step))
    net(images).square().sum().backward()


@pytest.mark.parametrize("name", TORCHS)
def test_the_rules_are_torchs_own(name: str) -> None:
    ours, theirs = network(), network()
    optimizer = build_optimizer(ours, name, weight_decay=0.1, momentum=0.9, rate_scales={})  # type: ignore[arg-type]
    weights = [p for p in theirs.parameters() if p.ndim > 1]
    biases = [p for p in theirs.parameters() if p.ndim == 1]
    reference = TORCHS[name](
        [{"params": weights, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}]
    )
    for step in range(4):
        backward(ours, step)
        backward(theirs, step)
        set_learning_rate(optimizer, 0.02)
        optimizer.step()
        reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7)
        assert mine.requires_grad


@pytest.mark.parametrize("name", TORCHS)
def test_a_restored_optimizer_goes_on_to_the_bit(name: str) -> None:
    def start() -> tuple[nn.Module, torch.optim.Optimizer]:
        net = network()
        return net, build_optimizer(net, name, weight_decay=0.1, momentum=0.9, rate_scales={})  # type: ignore[arg-type]

    def go_on(net: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            optimizer.zero_grad(set_to_none=True)
            backward(net, step)
            set_learning_rate(optimizer, 0.02)
            optimizer.step()

    net, optimizer = start()
    go_on(net, optimizer, range(4))
    other, its_optimizer = start()
    go_on(other, its_optimizer, range(2))
    saved, weights = flatten_state(its_optimizer), other.state_dict()
    again, restored = start()
    again.load_state_dict(weights)
    restore_state(restored, saved)
    go_on(again, restored, range(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
