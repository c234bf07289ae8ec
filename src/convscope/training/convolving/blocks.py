"""What a network does with each convolution's output: which normalisation follows, and which activation."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, hardtanh, relu, relu6
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

CONV2D_ARGUMENTS = 7
"""Of a layer's call: images, weight, bias, stride, padding, dilation, groups."""


@dataclass(frozen=True, eq=False)
class Block:
    """A convolution whose output goes through a normalisation, and maybe a cut of it.

    Attributes:
        layer: the convolution.
        norm: which normalises its output.
        top: what is above it, or below nought, is cut off; None where another step follows.
    """

    layer: nn.Conv2d
    norm: _BatchNorm
    top: float | None

    @property
    def is_frozen(self) -> bool:
        """Whether the normalisation has factors of its own, whatever the batch."""
        return not self.norm.training

    def fold(self, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution that does what the normalisation does, too."""
        mean, variance = self.norm.get_buffer("running_mean"), self.norm.get_buffer("running_var")
        factor = (variance + self.norm.eps).rsqrt()
        if self.norm.affine:
            factor = factor * self.norm.weight
        shift = (-mean if bias is None else bias - mean) * factor
        return weight * factor[:, None, None, None], shift + self.norm.bias if self.norm.affine else shift


def find_blocks(network: nn.Module, image: Tensor) -> list[Block]:
    """Those that an image `(1, C, H, W)` goes through once."""
    watching = _Watching()
    with watching:
        network(image)
    layers = {id(each.weight): each for each in network.modules() if isinstance(each, nn.Conv2d)}
    batch_norms = [each for each in network.modules() if isinstance(each, _BatchNorm)]
    norms = {id(each.running_mean): each for each in batch_norms if each.running_mean is not None}
    return [
        Block(layers[weight], norms[mean], watching.tops.get(mean))
        for weight, mean in watching.followers.items()
        if weight in layers and mean in norms and watching.calls[weight] == watching.calls[mean] == 1
    ]


def cut_above(function: object, named: Mapping[str, Any]) -> float | None:
    """Where a call cuts off what is larger, if what is below nought is all that it changes besides."""
    if function is relu:
        return math.inf
    if function is relu6:
        return 6.0
    if function is hardtanh and named.get("min_val") == 0.0:
        return float(named["max_val"])
    return None


class _Watching(TorchFunctionMode):
    """Tensors are known by their ids, and kept, so that no other gets the same.

    Attributes:
        followers: of a convolution's weight, the mean of the normalisation that got its output.
        tops: of such a mean, what its output was cut at.
        calls: how often each was computed with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.followers: dict[int, int] = {}
        self.tops: dict[int, float] = {}
        self.calls: Counter[int] = Counter()
        self._convolved: dict[int, int] = {}
        self._normalised: dict[int, int] = {}
        self._kept: list[Any] = []

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = function(*args, **(kwargs or {}))
        if function is conv2d and len(args) == CONV2D_ARGUMENTS:
            self.calls[id(args[1])] += 1
            self._convolved[id(output)] = id(args[1])
        elif function is batch_norm and len(args) > 1:
            self.calls[id(args[1])] += 1
            if id(args[0]) in self._convolved:
                self.followers[self._convolved[id(args[0])]] = id(args[1])
                self._normalised[id(output)] = id(args[1])
        elif args and id(args[0]) in self._normalised:
            top = cut_above(function, kwargs or {})
            if top is not None:
                self.tops[self._normalised[id(args[0])]] = top
        self._kept.append((args, output))
        return output
