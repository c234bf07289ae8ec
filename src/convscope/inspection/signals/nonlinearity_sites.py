"""Where in a network each non-linearity sits: the name of the layer that feeds it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from convscope.inspection.signals.nonlinearities import NonLinearity, NonLinearityWatch

# They pass values on, so the layer in front of them is the one that feeds what follows.
_TRANSPARENT = (
    nn.Identity,
    nn.Flatten,
    nn.Dropout,
    nn.Dropout2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.ZeroPad2d,
)

Observer = Callable[[str, NonLinearity, Tensor], None]
"""Is told the site, the call (with the values that go in), and what comes out."""


class _Sites:
    """Follows one pass after another and names each tensor by the module that made it."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self._makers = WeakTensorKeyDictionary()  # tensor → (name, version)
        self._running: list[tuple[str, nn.Module]] = []
        self._finished = ""
        self._met: dict[str, int] = {}

    def enter(self, name: str, module: nn.Module) -> None:
        if name == "":
            self._running, self._finished, self._met = [], "", {}
        self._running.append((name, module))

    def leave(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        self._running.pop()
        if not isinstance(output, Tensor) or self._maker(output) is not None:
            self._finished = name
            return
        first = inputs[0] if inputs and isinstance(inputs[0], Tensor) else None
        if isinstance(module, _TRANSPARENT) and first is not None:
            name = self._maker(first) or self._place()
        self._makers[output] = (name, output._version)
        self._finished = name

    def meet(self, call: NonLinearity) -> Tensor:
        name = self._maker(call.source) or self._place()
        self._met[name] = self._met.get(name, 0) + 1
        output = call.compute(call.values)
        site = name if self._met[name] == 1 else f"{name} #{self._met[name]}"
        self._observe(site, call, output)
        return output

    def _maker(self, tensor: Tensor) -> str | None:
        """Return who made a tensor, unless it was changed since, as by an in-place sum."""
        if tensor not in self._makers:
            return None
        name, version = self._makers[tensor]
        return str(name) if version == tensor._version else None

    def _place(self) -> str:
        """Name a tensor that no module made: by the block that is running, or by what ran last."""
        blocks = [name for name, module in self._running if next(module.children(), None) is not None]
        return (
            blocks[-1] if blocks and blocks[-1] else f"after {self._finished}" if self._finished else "image"
        )


@contextmanager
def watched_nonlinearities(network: nn.Module, observe: Observer) -> Iterator[None]:
    """Tell `observe` of every non-linearity during the passes inside, in the order in which they run.

    A site is the name of the layer that feeds the non-linearity (behind poolings and the like, the layer
    before them); the block's name for a sum inside a block; `after x` for a sum in the network itself. A
    second one fed by the same layer is `name #2`. For a borrowed network.
    """
    sites = _Sites(observe)
    handles = []
    for name, module in network.named_modules():

        def enter(module: nn.Module, inputs: Any, name: str = name) -> None:
            sites.enter(name, module)

        def leave(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            sites.leave(name, module, inputs, output)

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        with NonLinearityWatch(sites.meet):
            yield
    finally:
        for handle in handles:
            handle.remove()
