"""Our update rules against torch's, step by step, in float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from convscope.trials.race.racing import START, STEPS, follow
from convscope.trials.race.rules import RuleName
from convscope.trials.race.surface import Surface

GROUND = Surface()
TORCH: dict[RuleName, Callable[[list[Tensor], float], torch.optim.Optimizer]] = {
    "sgd": lambda weights, rate: torch.optim.SGD(weights, rate),
    "momentum": lambda weights, rate: torch.optim.SGD(weights, rate, momentum=0.9),
    "adam": lambda weights, rate: torch.optim.Adam(weights, rate),
    "adamw": lambda weights, rate: torch.optim.AdamW(weights, rate),
}


def cost(weights: Tensor) -> Tensor:
    """The formula once more, for torch's own gradient."""
    along, across = weights
    floor = GROUND.height * ((along / GROUND.reach) ** 2 - 1) ** 2
    return floor + GROUND.stiffness / 2 * (across - GROUND.bend * along**2) ** 2


def torch_path(rule: RuleName, rate: float, start: tuple[float, float]) -> np.ndarray:
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = TORCH[rule]([weights], rate)
    path = [weights.detach().numpy().copy()]
    for _ in range(STEPS):
        optimizer.zero_grad()
        cost(weights).backward()
        optimizer.step()
        path.append(weights.detach().numpy().copy())
    return np.stack(path)


@pytest.mark.parametrize("rule", TORCH)
@pytest.mark.parametrize(("rate", "start"), [(0.02, START), (0.1, START), (0.01, (-4.0, -1.0))])
def test_each_step_is_torchs_to_twelve_digits(
    rule: RuleName, rate: float, start: tuple[float, float]
) -> None:
    ours = follow(GROUND, rule, start, rate, STEPS)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, torch_path(rule, rate, start), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", TORCH)
def test_many_rates_at_once_are_the_same_as_one_by_one(rule: RuleName) -> None:
    rates = np.array([0.003, 0.02, 0.1])
    together = follow(GROUND, rule, START, rates, STEPS)
    assert together.shape == (STEPS + 1, 3, 2)
    for index, rate in enumerate(rates.tolist()):
        np.testing.assert_array_equal(together[:, index], follow(GROUND, rule, START, rate, STEPS))


def test_a_rule_changes_neither_weights_nor_memory_that_it_is_given() -> None:
    weights, memory = np.array([0.2, 1.5]), np.zeros((2, 2))
    from convscope.trials.race.rules import RULES

    for rule in RULES.values():
        rule(weights, GROUND.gradient(weights), memory, 1, 0.1)
    assert weights.tolist() == [0.2, 1.5]
    assert not memory.any()
