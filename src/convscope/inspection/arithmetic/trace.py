"""One pass of one image through a network, with the result of every operator kept.

Operators, not modules: what a forward function does between its modules (the sum of a residual block, a
scale) is a value like any other. The pass is that of a twin which shares the network's weights, so that
several threads may trace one network at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.arithmetic.operators import (
    HIDDEN,
    OF_ANY_AXES,
    ONLY_STRIDES,
    WEIGHING,
    Kind,
    kind_of,
    word_of,
)
from convscope.inspection.arithmetic.steps import IMAGE
from convscope.inspection.borrowing import device_of, twin
from convscope.inspection.layers import check_images
from convscope.networks.following.operators import OperatorWatch, tensors_in
from convscope.wording import meant, near

_NAMES_IN_A_MESSAGE = 20


@dataclass(eq=False)
class Node:
    """The result of one operator.

    Attributes:
        name: unique: the layer's, or the block's and a word, as in `stage1.block1.sum`.
        kind: what the operator does.
        word: the operator's own name, and `operator` itself, of aten.
        values: for the one image: (1, C, H, W) or (1, F).
        sources: the places in the trace of the values that it is computed from.
        args: the operator's, with tensors as they came.
    """

    name: str
    kind: Kind
    word: str
    operator: Any
    values: Tensor
    sources: tuple[int, ...]
    args: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class TracedLayer:
    """A layer whose values can be asked for.

    Attributes:
        name: of the layer.
        kind: what it does.
        shape: of its output: (C, H, W) or (F,).
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]


class Trace:
    """All values of a pass, in the order in which they were computed; the first is the image."""

    def __init__(self, nodes: list[Node], outputs: dict[str, int]) -> None:
        self.nodes = nodes
        self._outputs = outputs

    @cached_property
    def layers(self) -> tuple[TracedLayer, ...]:
        """The image, and every layer that computes something."""
        return tuple(
            TracedLayer(name=node.name, kind=node.kind, shape=tuple(node.values.shape[1:]))
            for node in self.nodes
            if node.kind not in HIDDEN
        )

    def find(self, layer: str) -> int:
        """The place of a layer's output; of a block, that of its last operator.

        Raises:
            UsageError: for a layer that computes nothing in the pass, with those that do.
        """
        if layer in self._places:
            return self._places[layer]
        names = [each.name for each in self.layers]
        close = near(layer, names, cutoff=0.5)
        hint = f"; {meant(close)}" if close else "."
        shown = ", ".join(names[:_NAMES_IN_A_MESSAGE])
        more = len(names) - _NAMES_IN_A_MESSAGE
        raise UsageError(
            f"no layer {layer!r} takes part in the pass{hint} There are: {shown}"
            + (f" and {more} more" if more > 0 else "")
        )

    def values(self, layer: str) -> Tensor:
        """A layer's output for the image, float32 (C, H, W); a layer without maps gives (F, 1, 1)."""
        values = self.nodes[self.find(layer)].values[0].float()
        return values if values.ndim == 3 else values.reshape(-1, 1, 1)

    @property
    def logits(self) -> Tensor:
        """The network's outputs, (num_outputs,)."""
        return self.nodes[-1].values[0].float()

    def visible(self, place: int) -> int:
        """The place itself, or of what only moves values the place that these come from."""
        while self.nodes[place].kind in HIDDEN and self.nodes[place].sources:
            place = self.nodes[place].sources[0]
        return place

    def users(self, place: int) -> list[int]:
        """The places that use a value, past those that only move it."""
        found: list[int] = []
        for user in self._users.get(place, []):
            found += self.users(user) if self.nodes[user].kind in HIDDEN else [user]
        return list(dict.fromkeys(found))

    @cached_property
    def _users(self) -> dict[int, list[int]]:
        users: dict[int, list[int]] = {}
        for place, node in enumerate(self.nodes):
            for source in node.sources:
                users.setdefault(source, []).append(place)
        return users

    @cached_property
    def _places(self) -> dict[str, int]:
        named = {node.name: place for place, node in enumerate(self.nodes) if node.kind not in HIDDEN}
        return {name: self.visible(place) for name, place in self._outputs.items() if name} | named


def trace_pass(network: nn.Module, image: Tensor) -> Trace:
    """Run one standardised image, (1, C, H, W) or (C, H, W), and keep every value on the way.

    Raises:
        UsageError: for an image of another kind.
    """
    images = (image if image.ndim == 4 else image[None]).to(device_of(network))
    check_images(images)
    if len(images) != 1:
        raise UsageError(f"one image is traced at a time, not {len(images)}")
    recorder = _Recorder(images)
    with torch.inference_mode(False), torch.no_grad(), _named(twin(network), recorder) as traced, recorder:
        traced(images)
    return Trace(recorder.nodes, recorder.outputs)


class _Recorder(OperatorWatch):
    """While it is entered, keeps the result of every operator that depends on the image."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.nodes = [Node(IMAGE, "image", IMAGE, None, images, (), ())]
        self.outputs: dict[str, int] = {}
        self.running: list[tuple[str, bool]] = []
        self._known: dict[int, tuple[Tensor, int]] = {
            id(images): (images, 0)
        }  # held, so that ids stay theirs
        self._names = {IMAGE}

    def leave(self, name: str, output: object) -> None:
        """Note which value a module gives."""
        self.running.pop()
        if id(output) in self._known:
            self.outputs[name] = self._known[id(output)][1]

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, and keep what it returns."""
        sources = tuple(self._known[id(each)][1] for each in tensors_in(args) if id(each) in self._known)
        if not sources or func.overloadpacket is ONLY_STRIDES:
            return func(*args, **(kwargs or {}))
        first = args[0] if args and isinstance(args[0], Tensor) else None
        if first is not None and func.overloadpacket.__name__.endswith("_"):
            self._save_from_change(first)
        result = func(*args, **(kwargs or {}))
        output = next(iter(tensors_in([result])), None)
        if output is not None:
            kind = kind_of(func, len(sources), first is not None and id(first) in self._known)
            of_maps = kind != "pooling" or _over_maps(func.overloadpacket, args)
            if len(output) != 1 or output.ndim not in (2, 4) or not of_maps:
                kind = "other"
            word, packet = word_of(func), func.overloadpacket
            self.nodes.append(Node(self._name(kind, word), kind, word, packet, output, sources, args))
            self._known[id(output)] = (output, len(self.nodes) - 1)
        return result

    def _save_from_change(self, changed: Tensor) -> None:
        """Copy the values that an operator in place is going to overwrite."""
        memory = changed.untyped_storage().data_ptr()
        for node in self.nodes:
            if node.values.untyped_storage().data_ptr() == memory:
                node.values = node.values.clone()

    def _name(self, kind: Kind, word: str) -> str:
        module, is_leaf = self.running[-1] if self.running else ("", False)
        owns = is_leaf or kind in WEIGHING or kind == "normalisation"
        told = kind if kind in ("sum", "product", "scale") else word
        name = module if owns and module else f"{module}.{told}".strip(".")
        if kind in HIDDEN:
            return name
        count, unique = 1, name
        while unique in self._names:
            count += 1
            unique = f"{name} #{count}"
        self._names.add(unique)
        return unique


def _over_maps(operator: Any, args: tuple[Any, ...]) -> bool:
    """Whether a pooling is one of rows and columns: a mean may be taken along other axes."""
    if args[0].ndim != 4 or operator not in OF_ANY_AXES:
        return bool(args[0].ndim == 4)
    return {axis % 4 for axis in (args[1] if len(args) > 1 else ())} == {2, 3}


@contextmanager
def _named(network: nn.Module, recorder: _Recorder) -> Iterator[nn.Module]:
    """Tells the recorder which module runs; the network is a twin, whose hooks nobody else sees."""
    for name, module in network.named_modules():
        is_leaf = next(module.children(), None) is None

        def enter(module: nn.Module, inputs: Any, said: tuple[str, bool] = (name, is_leaf)) -> None:
            recorder.running.append(said)

        def leave(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            recorder.leave(name, output)

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)
    yield network
