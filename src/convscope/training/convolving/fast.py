"""What training does on a CPU in place of the library's way with convolutions.

* A batch normalisation whose statistics are frozen multiplies and adds, and nothing else: its factors go into
  the weight of the convolution before it, its summands into the bias. What follows it, if it only cuts off,
  is done to each output as it leaves the convolution. That spares several passes over the largest tensors
  there are; gradients reach the normalisation's own parameters as before.
* Depthwise convolutions take the backward passes of `passes`.

How much each leaves of a step's time: docs/speed.md.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from convscope.classifier.logits import evaluation_mode
from convscope.training.convolving.blocks import CONV2D_ARGUMENTS, Block, cut_above, find_blocks
from convscope.training.convolving.passes import QUICK_WIDTH, Convolution, can_cut, is_depthwise

CLOSE = 1e-3
"""How far outputs may lie apart, as a part of the largest, for a network to be taken as understood."""

Fast = AbstractContextManager[object]


def fast_convolutions(network: nn.Module, precision: torch.dtype, *, frozen_on: Tensor | None = None) -> Fast:
    """Within it the network's forward pass, and the backward pass of what it gave, are faster on a CPU.

    To be entered as often as one likes, while weights move and modes change.

    Args:
        network: keeps its modules meanwhile.
        precision: the number format that it computes in.
        frozen_on: an image `(1, C, H, W)` as the network sees it, where normalisations may be in evaluation
            mode while it learns; None where they are not.
    """
    if any(each.device.type != "cpu" for each in network.parameters()):
        return nullcontext()
    modules = list(network.modules())
    layers = [module for module in modules if isinstance(module, nn.Conv2d)]
    slow = [layer for layer in layers if is_depthwise(layer)]
    if precision == torch.float32:
        slow = [layer for layer in slow if layer.kernel_size[-1] > QUICK_WIDTH]
    has_norms = any(isinstance(module, _BatchNorm) for module in modules)
    blocks = _understood(network, frozen_on) if frozen_on is not None and has_norms else []
    return _FastConvolutions(precision, slow, blocks) if slow or blocks else nullcontext()


@torch.no_grad()
def _understood(network: nn.Module, image: Tensor) -> list[Block]:
    """Its blocks; none where they do not explain what the network makes of an image."""
    with evaluation_mode(network):
        blocks, outputs = find_blocks(network, image), network(image)
        with _FastConvolutions(torch.float32, [], blocks):
            apart = (network(image) - outputs).abs().max()
    return blocks if bool(apart <= CLOSE * outputs.abs().max()) else []


class _FastConvolutions(TorchFunctionMode):
    """Layers are known by their tensors: those are what torch's functions are called with."""

    def __init__(self, precision: torch.dtype, slow: Sequence[nn.Conv2d], blocks: Sequence[Block]) -> None:
        super().__init__()
        self.precision, self.slow, self.blocks = precision, slow, blocks
        self.cuts = precision == torch.float32 and can_cut()
        self.cut: Tensor | None = None

    def __enter__(self) -> "_FastConvolutions":
        frozen = [block for block in self.blocks if block.is_frozen]
        self.slow_weights = {id(layer.weight) for layer in self.slow}
        self.of_weight = {id(block.layer.weight): block for block in frozen}
        self.folded = {id(block.norm.running_mean) for block in frozen}
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: object) -> None:
        self.cut = None
        super().__exit__(*raised)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is conv2d and len(args) == CONV2D_ARGUMENTS and isinstance(args[4], tuple):
            return self._convolve(*args)
        if function is batch_norm and len(args) > 1 and id(args[1]) in self.folded:
            return args[0]
        if args and args[0] is self.cut and cut_above(function, kwargs or {}) is not None:
            return args[0]
        return function(*args, **(kwargs or {}))

    def _convolve(self, images: Tensor, weight: Tensor, bias: Tensor | None, *geometry: Any) -> Tensor:
        is_slow, block = id(weight) in self.slow_weights, self.of_weight.get(id(weight))
        top = block.top if block is not None and self.cuts else None
        if block is not None:
            weight, bias = block.fold(weight, bias)
        if not is_slow and top is None:
            return conv2d(images, weight, bias, *geometry)
        output: Tensor = Convolution.apply(images, weight, bias, self.precision, top, *geometry)
        self.cut = output if top is not None else None
        return output
