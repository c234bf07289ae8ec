"""Finding layers by name, and taking what they give."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import device_of
from convscope.networks.following.maps import layer_outputs
from convscope.wording import meant, near

_NAMES_IN_A_MESSAGE = 20


def find_layer(network: nn.Module, name: str) -> nn.Module:
    """Return the submodule of this name (one of `named_modules()`).

    Raises UsageError with the valid names, those that look alike first.
    """
    modules: dict[str, nn.Module] = dict(network.named_modules())
    modules.pop("", None)
    if name in modules:
        return modules[name]
    close = near(name, modules, cutoff=0.5)
    others = [other for other in modules if other not in close]
    shown = others[: _NAMES_IN_A_MESSAGE - len(close)]
    more = f" and {len(others) - len(shown)} more" if len(others) > len(shown) else ""
    hint = f"; {meant(close)}" if close else "."
    raise UsageError(f"the network has no layer {name!r}{hint} Its layers: {', '.join(close + shown)}{more}")


def convolution_layers(network: nn.Module) -> tuple[str, ...]:
    """Return the names of all two-dimensional convolutions, in the order of definition."""
    return tuple(name for name, module in network.named_modules() if isinstance(module, nn.Conv2d))


def check_images(images: Tensor) -> None:
    """Raise UsageError unless the images are standardised: floating point, (N, C, H, W), at least one."""
    if images.ndim != 4 or not images.is_floating_point() or len(images) == 0:
        raise UsageError(
            f"images must be standardised floats of shape (N, C, H, W), N at least 1; "
            f"these are {images.dtype} of shape {tuple(images.shape)}"
        )


def shape_of(images: Tensor) -> tuple[int, int, int]:
    """(C, H, W) of images (N, C, H, W)."""
    channels, height, width = images.shape[1:]
    return channels, height, width


class _ReachedError(Exception):
    """Stops a forward pass at the layer whose output is wanted; never leaves this file."""


class LayerTaps:
    """Runs a borrowed network as far as the last of some layers, and shows the output of each.

    A layer that runs several times in a pass (a shared ReLU) shows its last output. How often each runs is
    counted once, on one image; after that no pass goes further than needed.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        self.network = network
        self._modules = {layer: find_layer(network, layer) for layer in layers}
        self._runs: dict[str, int] = {}

    def run(self, images: Tensor, observe: Callable[[str, Tensor], None]) -> None:
        """Pass standardised images (N, C, H, W) and call `observe(layer, output)` as each layer ends.

        The output, (N, units, h, w) or (N, units), is the network's own: whoever keeps it while the pass
        goes on must copy it.
        """
        check_images(images)
        images = images.to(device_of(self.network))
        self._runs = self._runs or self._count_runs(images[:1])
        left = dict(self._runs)

        def note(name: str, output: Any) -> None:
            left[name] -= 1
            if left[name] == 0:
                observe(name, _as_tensor(output, name))
                if not any(left.values()):
                    raise _ReachedError

        with suppress(_ReachedError):
            self._pass(images, note)

    def _count_runs(self, image: Tensor) -> dict[str, int]:
        runs = dict.fromkeys(self._modules, 0)

        def count(name: str, output: Any) -> None:
            runs[name] += 1

        with torch.no_grad():
            self._pass(image, count)
        idle = [name for name, count in runs.items() if count == 0]
        if idle:
            raise UsageError(f"layer {idle[0]!r} takes no part in the forward pass: choose another layer")
        return runs

    def _pass(self, images: Tensor, note: Callable[[str, Any], None]) -> None:
        handles = []
        for name, module in self._modules.items():

            def hook(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
                note(name, output)

            handles.append(module.register_forward_hook(hook))
        try:
            self.network(images)
        finally:
            for handle in handles:
                handle.remove()


class LayerTap:
    """Runs a borrowed network as far as one layer and returns that layer's output."""

    def __init__(self, network: nn.Module, layer: str) -> None:
        self.network = network
        self.layer = layer
        self._taps = LayerTaps(network, [layer])

    def __call__(self, images: Tensor) -> Tensor:
        """Return the output for standardised images (N, C, H, W): (N, units, h, w), or (N, units)."""
        outputs: list[Tensor] = []
        self._taps.run(images, lambda _, output: outputs.append(output))
        return outputs[0]


@contextmanager
def recorded_outputs(network: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the last output of each of these layers during the passes inside, gradient included.

    The network goes on with a copy, so that an in-place ReLU behind the layer cannot change what was
    collected.
    """
    outputs: dict[str, Tensor] = {}
    handles = []
    try:
        for name in layers:

            def keep(module: nn.Module, inputs: Any, output: Any, name: str = name) -> Tensor:
                outputs[name] = _as_tensor(output, name)
                return outputs[name].clone()

            handles.append(find_layer(network, name).register_forward_hook(keep))
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def last_spatial_layer(network: nn.Module, image_shape: tuple[int, int, int], smallest: int = 1) -> str:
    """The last layer to return maps larger than 1×1; of `smallest` by `smallest` where there are such.

    Raises UsageError if no layer's output has a height and a width, or if it is not known which axes of the
    last one they are: behind attention, for one, or where units come last.
    """
    outputs = layer_outputs(network, image_shape)
    maps = {name: each for name, each in outputs.items() if each.looks_like_map}
    fine = [name for name, each in maps.items() if min(each.shape[1:]) >= smallest]
    last = next(reversed(fine or list(maps)), None)
    if last is not None and maps[last].is_map:
        return last
    why = "no layer of this network has an output with height and width"
    if last is not None:
        shape = "×".join(str(side) for side in maps[last].shape)
        why = f"the values of {last}, {shape}, are no maps of units by rows and columns of the image"
    raise UsageError(
        f"{why}, so there is no map of where it looks. Integrated gradients and occlusion work for it"
    )


def _as_tensor(output: Any, layer: str) -> Tensor:
    if not isinstance(output, Tensor):
        raise UsageError(
            f"layer {layer!r} returns a {type(output).__name__}, not one tensor: choose a layer inside it"
        )
    return output
