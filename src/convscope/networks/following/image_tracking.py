"""Follows an image through the operators that a network runs, and knows where each result looks.

Operators, not modules: what a forward function does between its modules is seen too.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from convscope.networks.following.axis_fields import Lost, Place
from convscope.networks.following.operator_rules import axes_after, place_after
from convscope.networks.following.operators import ShapeWatch, tensors_in


class ImageTracker(ShapeWatch):
    """Every operator's result is placed in the images from which it is computed."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self._known: dict[int, tuple[Tensor, Place | Lost]] = {}  # holding a tensor keeps its id from reuse
        self._known[id(images)] = (images, Place(tuple(images.shape)))

    def place(self, tensor: Tensor) -> Place | Lost | None:
        """Where a tensor looks; None if it does not depend on the images."""
        return self._known[id(tensor)][1] if id(tensor) in self._known else None

    def see(self, operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Place what an operator returns."""
        sources = [self.place(tensor) for tensor in tensors_in([args, tuple(kwargs.values())])]
        lost = next((source for source in sources if isinstance(source, Lost)), None)
        places = [source for source in sources if isinstance(source, Place)]
        if lost or places:
            for tensor in tensors_in([result]):
                place = lost or place_after(operator, args, places, tuple(tensor.shape))
                if isinstance(place, Lost):
                    place = replace(
                        place, axes=axes_after(operator, args, [each for each in sources if each])
                    )
                self._known[id(tensor)] = (tensor, place)
