"""What comes out of every layer, found on the meta device: shapes are computed, values are not.

A skeleton of the network is run: a copy whose weights have shapes but no storage, without the original's
hooks, in evaluation mode. The network itself is never called, so nothing of it can change.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.networks.following.operators import ShapeWatch

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def output_shapes(
    network: nn.Module, image_shape: tuple[int, int, int], watch: ShapeWatch | None = None
) -> dict[str, tuple[int, ...]]:
    """Shape of each module's output without the batch axis, by its name, for one image `(C, H, W)`.

    The network's own output has the name "". Modules that return no tensor are left out; of a module called
    more than once the last call counts. `watch` sees the operators. Raises UsageError if the network cannot
    take such images.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        shapes[name] = tuple(output.shape[1:])

    visit_layers(network, blank_images(network, image_shape), visit, watch)
    return shapes


def blank_images(network: nn.Module, image_shape: tuple[int, int, int]) -> Tensor:
    """A batch of one image without storage, in the network's number format."""
    dtype = next((weight.dtype for weight in network.parameters() if weight.is_floating_point()), None)
    return torch.empty(1, *image_shape, dtype=dtype or torch.float32, device="meta")


def visit_layers(
    network: nn.Module,
    images: Tensor,
    visit: Callable[[str, nn.Module, Tensor], None],
    watch: ShapeWatch | None = None,
) -> None:
    """Run images without storage, and call `visit(name, module, output)` as each module returns.

    The module and its output are the skeleton's: shapes without values. `watch` sees the operators between.
    """
    skeleton = _skeleton(network)
    watch = watch or ShapeWatch()
    running = watch.running
    for name, module in skeleton.named_modules():

        def enter(module: nn.Module, inputs: object, name: str = name) -> None:
            running.append(name)

        def leave(module: nn.Module, inputs: object, output: object, name: str = name) -> None:
            running.pop()
            if isinstance(output, Tensor):
                visit(name, module, output)

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)
    try:
        with torch.no_grad(), watch:
            skeleton(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        shape = "×".join(str(side) for side in images.shape[1:])
        where = f"in {running[-1]}: " if running and running[-1] else ""
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(f"the network cannot take images of {shape} (C×H×W): {where}{reason}") from error


def _skeleton(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode without hooks, whose parameters and buffers are on the meta device."""
    instead: dict[int, object] = {}  # what the copy holds in place of each original
    for parameter in network.parameters():
        weights = torch.empty_like(parameter, device="meta")
        instead[id(parameter)] = nn.Parameter(weights, requires_grad=False)
    for buffer in network.buffers():
        instead[id(buffer)] = torch.empty_like(buffer, device="meta")
    for module in network.modules():
        for hooks in _HOOKS:
            instead[id(getattr(module, hooks))] = OrderedDict()
    return copy.deepcopy(network, instead).eval()
