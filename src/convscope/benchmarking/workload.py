"""What is timed: a network, how it computes, and its forward and backward pass on random images."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from convscope.benchmarking.peak import synchronise
from convscope.errors import UsageError
from convscope.networks.following.summarising import summarise
from convscope.training.convolving.fast import fast_convolutions
from convscope.wording import meant, near

Layout = Literal["channels-last", "channels-first"]
Direction = Literal["forward", "forward_backward"]
DIRECTIONS: tuple[Direction, ...] = ("forward", "forward_backward")
Network = Callable[[Tensor], Tensor]
IMAGE_STD = 0.1
_FORMATS = {"channels-last": torch.channels_last, "channels-first": torch.contiguous_format}
_CHANGES: dict[str, dict[str, Any]] = {
    "float32": {"precision": torch.float32},
    "bfloat16": {"precision": torch.bfloat16},
    "channels-last": {"layout": "channels-last"},
    "channels-first": {"layout": "channels-first"},
    "compiled": {"compiled": True},
    "not-compiled": {"compiled": False},
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a network computes."""

    device: torch.device
    precision: torch.dtype
    """Of the activations and products; the weights are float32."""

    layout: Layout
    compiled: bool
    threads: int

    def changed(self, words: str) -> "Setting":
        """The same but for some words with commas between: `float32`, `channels-first, compiled`, `1-thread`.

        Raises:
            UsageError: for a word that is none.
        """
        changes: dict[str, Any] = {}
        for word in (part.strip() for part in words.split(",")):
            threads = re.fullmatch(r"([1-9]\d*)-threads?", word)
            if word not in _CHANGES and threads is None:
                hint = meant(near(word, _CHANGES), f"it takes {', '.join(_CHANGES)} and 1-thread")
                raise UsageError(f"--against: '{word}' is not a way to compute; {hint}")
            changes |= {"threads": int(threads[1])} if threads else _CHANGES[word]
        return replace(self, **changes)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "device": str(self.device),
            "precision": precision_name(self.precision),
            "layout": self.layout,
            "compiled": self.compiled,
            "threads": self.threads,
        }


def precision_name(precision: torch.dtype) -> str:
    """`float32`, `bfloat16`."""
    return str(precision).removeprefix("torch.")


@dataclass(frozen=True, eq=False)
class Workload:
    """A network that computes in a setting. It is moved and laid out for it: give each workload its own."""

    network: nn.Module
    image_shape: tuple[int, int, int]
    setting: Setting

    def __post_init__(self) -> None:
        self.network.to(self.setting.device).to(memory_format=_FORMATS[self.setting.layout])

    def way(self, direction: Direction, batch_size: int) -> Callable[[], None]:
        """A function that takes one batch through, and returns when the device is done with it."""
        device, network = self.setting.device, self._callable()
        images = self._images(batch_size)
        step = self._forward if direction == "forward" else self._forward_backward

        def once() -> None:
            torch.set_num_threads(self.setting.threads)
            step(network, images)
            synchronise(device)

        return once

    def flops(self, direction: Direction) -> int:
        """Of one image: multiply-accumulates × 2 of convolutions and matrix products, as in the summary.

        A backward pass takes each layer's product twice, for the gradients of its weight and of its input;
        the first layer's input are the images, which need none.
        """
        layers = summarise(self.network, self.image_shape).layers
        forward = sum(layer.flops for layer in layers)
        if direction == "forward":
            return forward
        first = self._layers_that_see_images()
        return 3 * forward - sum(layer.flops for layer in layers if layer.name in first)

    def _layers_that_see_images(self) -> set[str]:
        """Names of the modules whose input needs no gradient."""
        found: set[str] = set()

        def visit(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
            def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
                if not any(isinstance(each, Tensor) and each.requires_grad for each in inputs):
                    found.add(name)

            return look

        modules = self.network.eval().named_modules()
        hooks = [module.register_forward_pre_hook(visit(name)) for name, module in modules]
        try:
            self.network(self._images(1))
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _forward(self, network: Network, images: Tensor) -> None:
        """As evaluation and prediction compute: nothing kept for a backward pass."""
        self.network.eval()
        with torch.inference_mode(), self._format():
            network(images)

    def _forward_backward(self, network: Network, images: Tensor) -> None:
        """Half the sum of squares of the last layer's output, and its gradient for every parameter."""
        self.network.train()
        self.network.zero_grad(set_to_none=True)
        setting = self.setting
        fast = fast_convolutions(self.network, setting.precision)
        try:
            with self._format(), nullcontext() if setting.compiled else fast:
                outputs = network(images)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise UsageError(
                f"batches of {len(images)} leave batch normalisation one value to measure; take larger ones, "
                "as in --batch-sizes 2-9"
            ) from None
        loss = outputs.float().square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]

    def _callable(self) -> Network:
        return torch.compile(self.network, dynamic=False) if self.setting.compiled else self.network

    def _images(self, batch_size: int) -> Tensor:
        random = torch.Generator().manual_seed(0)
        images = IMAGE_STD * torch.randn(batch_size, *self.image_shape, generator=random)
        return images.to(self.setting.device).contiguous(memory_format=_FORMATS[self.setting.layout])

    def _format(self) -> torch.autocast:
        precision = self.setting.precision
        return torch.autocast(self.setting.device.type, precision, enabled=precision != torch.float32)
