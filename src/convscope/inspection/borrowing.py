"""Whoever borrows a network gives it back as it was."""

import copy
import random
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Every place where torch keeps the hooks of a module.
_HOOK_FIELDS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


@contextmanager
def borrowed(network: nn.Module) -> Iterator[nn.Module]:
    """Lend a network in eval mode, with parameters that ask for no gradient.

    At the end, also after an error, everything is as before: the mode of each submodule, the hooks, each
    parameter's `requires_grad` and `.grad`, and the random state (torch on every device, NumPy, Python).
    Gradients can be taken inside even if the caller has switched them off. Borrowing within a borrowing is
    allowed. A network that is in eval mode and asks for no gradient, as a classifier's, is not touched.

    Weights are not copied: who changes some works on a copy.
    """
    modules = list(network.modules())
    in_training = [module for module in modules if module.training]
    hooks = [(module, _hooks_of(module)) for module in modules]
    parameters = [(parameter, parameter.grad) for parameter in network.parameters()]
    asking = [parameter for parameter, _ in parameters if parameter.requires_grad]
    random_state = _random_state()
    try:
        if in_training:
            network.eval()
        for parameter in asking:
            parameter.requires_grad_(False)
        with torch.inference_mode(False), torch.enable_grad():
            yield network
    finally:
        for module in in_training:
            module.training = True
        for module, module_hooks in hooks:
            _restore_hooks(module, module_hooks)
        for parameter in asking:
            parameter.requires_grad_(True)
        for parameter, gradient in parameters:
            if parameter.grad is not gradient:
                parameter.grad = gradient
        _restore_random_state(random_state)


def twin(network: nn.Module) -> nn.Module:
    """A copy in eval mode, without hooks, that shares the network's weights and buffers.

    What is hooked to it or run through it is seen by nobody else: several threads may each have one.
    """
    shared: dict[int, object] = {id(each): each for each in (*network.parameters(), *network.buffers())}
    for module in network.modules():
        for name in _HOOK_FIELDS:
            if name in vars(module):
                shared[id(vars(module)[name])] = OrderedDict()
    return copy.deepcopy(network, shared).eval()


def device_of(network: nn.Module) -> torch.device:
    """Return the device of the network's first parameter, or the CPU if it has none."""
    first = next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def _hooks_of(module: nn.Module) -> dict[str, list[tuple[Any, Any]]]:
    return {field: list(getattr(module, field).items()) for field in _HOOK_FIELDS if hasattr(module, field)}


def _restore_hooks(module: nn.Module, hooks: dict[str, list[tuple[Any, Any]]]) -> None:
    for field, items in hooks.items():
        # The same dictionary is refilled: the handles that others hold point into it.
        current = getattr(module, field)
        if list(current.items()) != items:
            current.clear()
            current.update(items)


def _random_state() -> tuple[Tensor, list[Tensor], Any, Any]:
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    on_gpu = torch.cuda.get_rng_state_all() if started else []
    return torch.get_rng_state(), on_gpu, np.random.get_state(), random.getstate()


def _restore_random_state(state: tuple[Tensor, list[Tensor], Any, Any]) -> None:
    on_cpu, on_gpu, of_numpy, of_python = state
    torch.set_rng_state(on_cpu)
    if on_gpu:
        torch.cuda.set_rng_state_all(on_gpu)
    np.random.set_state(of_numpy)
    random.setstate(of_python)
