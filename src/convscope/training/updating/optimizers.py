"""Update rules. Weight decay acts on weights alone: never on biases, nor on the gains of normalisation."""

import inspect
from typing import TypeVar, cast

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from convscope.config.asked import OptimizerName

Rule = TypeVar("Rule", bound=Optimizer)


def build_optimizer(
    network: nn.Module,
    name: OptimizerName,
    *,
    weight_decay: float,
    momentum: float,
    rate_scales: dict[str, float],
) -> Optimizer:
    """An optimizer over all trainable parameters; its learning rate is set before every step.

    Args:
        network: whose parameters move.
        name: the update rule.
        weight_decay: on parameters with more than one dimension. Decoupled from the gradient for `adamw`
            (Loshchilov & Hutter 2019), an L2 penalty for the others.
        momentum: for `momentum` and `nesterov`.
        rate_scales: parameter name -> factor on the learning rate (1 where absent); kept in each group as
            `rate_scale`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter_name, parameter in network.named_parameters():
        if parameter.requires_grad:
            decay = weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((decay, rate_scales.get(parameter_name, 1.0)), []).append(parameter)
    settings = [
        {"params": parameters, "weight_decay": decay, "rate_scale": scale}
        for (decay, scale), parameters in groups.items()
    ]
    match name:
        case "sgd":
            return _plain(SGD)(settings, lr=1.0, fused=True)
        case "momentum" | "nesterov":
            nesterov = name == "nesterov"
            return _plain(SGD)(settings, lr=1.0, momentum=momentum, nesterov=nesterov, fused=True)
        case "adam":
            return _plain(Adam)(settings, lr=1.0, fused=True)
        case "adamw":
            return _plain(AdamW)(settings, lr=1.0, fused=True)


def _plain(rule: type[Rule]) -> type[Rule]:
    """The same update rule, to the bit, without what torch wraps around it for `torch.compile`.

    Those wrappers import the whole compiler at the first call, though nothing is compiled: longer than a bare
    `import torch` takes (benchmarks/start_up.py).
    """
    methods = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    unwrapped = {name: inspect.unwrap(getattr(rule, name)) for name in methods}
    step = torch.no_grad()(inspect.unwrap(rule.step))
    return cast(type[Rule], type(rule.__name__, (rule,), {**unwrapped, "step": step}))


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """The rate of the next step, times each group's scale."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["rate_scale"]


def flatten_state(optimizer: Optimizer) -> dict[str, torch.Tensor]:
    """The optimizer's moments as `{"3.exp_avg": tensor}`; rates are a function of the step and not kept."""
    return {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if isinstance(value, torch.Tensor)
    }


def restore_state(optimizer: Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """The inverse of `flatten_state`, for an optimizer built alike."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    # Fused updates walk straight through memory, so a moment must lie in it as its weights do: channels last.
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter).copy_(value)
