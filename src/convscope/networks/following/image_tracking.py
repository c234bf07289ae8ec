"""Follows an image through the operators that a network runs, and knows where each result looks.

Operators, not modules: what a forward function does between its modules is seen too.
"""

from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from convscope.networks.following.axis_fields import Lost, Place
from convscope.networks.following.operator_rules import place_after


class ImageTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, every operator's result is placed in the images from which it is computed."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known: dict[int, tuple[Tensor, Place | Lost]] = {}  # holding a tensor keeps its id from reuse
        self._known[id(images)] = (images, Place(tuple(images.shape)))

    def place(self, tensor: Tensor) -> Place | Lost | None:
        """Where a tensor looks; None if it does not depend on the images."""
        return self._known[id(tensor)][1] if id(tensor) in self._known else None

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, and place what it returns."""
        kwargs = kwargs or {}
        sources = [self.place(tensor) for tensor in tensors_in([args, tuple(kwargs.values())])]
        lost = next((source for source in sources if isinstance(source, Lost)), None)
        places = [source for source in sources if isinstance(source, Place)]
        result = func(*args, **kwargs)
        if lost or places:
            for tensor in tensors_in([result]):
                place = lost or place_after(func, args, places, tuple(tensor.shape))
                self._known[id(tensor)] = (tensor, place)
        return result


def tensors_in(values: Iterable[object]) -> list[Tensor]:
    """The tensors in nested lists and tuples."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += tensors_in(value)
    return found
