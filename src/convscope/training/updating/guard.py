"""Stopping at the first number that is not finite, and saying where it came from."""

import math

import torch
from torch import Tensor, nn

from convscope.classifier.logits import evaluation_mode
from convscope.errors import DivergedError


class FiniteGuard:
    """Watches losses and gradient norms.

    On the CPU a bad value stops the step it occurs in, before the weights move. On a GPU the host would wait
    for the device at every step, so the first bad step is noted there and looked at by `check`.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network
        self._waits = device.type == "cuda"
        self._first_bad = torch.full((), torch.inf, device=device)

    def watch(
        self, step: int, loss: Tensor, gradient_norm: Tensor, images: Tensor, learning_rate: float
    ) -> None:
        """Look at one step's figures, before its update."""
        finite = torch.isfinite(loss.detach()) & torch.isfinite(gradient_norm)
        if self._waits:
            bad = torch.where(finite, torch.inf, float(step))
            self._first_bad = torch.minimum(self._first_bad, bad)
        elif not finite:
            raise DivergedError(self._explain(step, loss, images, learning_rate))

    def check(self, step: int, learning_rate: float) -> None:
        """Raise if any of the `step` steps so far was bad, or any weight is now.

        Raises:
            DivergedError: naming the step and the layer.
        """
        if torch.isfinite(self._first_bad):
            first = int(self._first_bad)
            raise DivergedError(
                f"training diverged at step {first}: the loss or a gradient is no longer finite.\n"
                + _advice(learning_rate)
            )
        for name, tensor in self._network.state_dict().items():
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise DivergedError(
                    f"training diverged by step {step}: the weights of {name} are no longer finite.\n"
                    + _advice(learning_rate)
                )

    def _explain(self, step: int, loss: Tensor, images: Tensor, learning_rate: float) -> str:
        if not torch.isfinite(loss):
            layer = first_non_finite_layer(self._network, images)
            what = f"the loss is {loss.item()}" + (
                f", first seen in the output of layer {layer}" if layer else ""
            )
        else:
            what = f"the gradient of {_first_bad_gradient(self._network)} is not finite"
        return f"training diverged at step {step}: {what}.\n{_advice(learning_rate)}"


def gradient_norm(network: nn.Module) -> Tensor:
    """L2 norm of the whole gradient, a scalar tensor."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


@torch.no_grad()
def first_non_finite_layer(network: nn.Module, images: Tensor) -> str | None:
    """The first layer, in order of execution, whose output for standardised `images` is not finite."""
    found: list[str] = []

    def look(name: str, output: object) -> None:
        if isinstance(output, Tensor) and not found and not torch.isfinite(output).all():
            found.append(name)

    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: look(name, output))
        for name, module in network.named_modules()
        if not list(module.children())
    ]
    try:
        with evaluation_mode(network):
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def _first_bad_gradient(network: nn.Module) -> str:
    """The first that is not finite; where only their norm is too large for float32, the largest."""
    largest = {
        name: p.grad.abs().max().item() for name, p in network.named_parameters() if p.grad is not None
    }
    return next(
        (name for name, size in largest.items() if not math.isfinite(size)),
        max(largest, key=largest.__getitem__),
    )


def _advice(learning_rate: float) -> str:
    return (
        f"Likely cause: a learning rate of {learning_rate:.3g} is too large for these weights. "
        f"Try --learning-rate {learning_rate / 10:.1g}, or --initialiser he."
    )
