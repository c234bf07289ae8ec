"""What does a layer make of one image?"""

from dataclasses import dataclass

from convscope.inspection.activations import LayerMaps, maps_behind
from convscope.looking.subject import Looked, Subject


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenMaps:
    """What a layer's units give on for one image.

    Attributes:
        looked: the image.
        layer: the layer.
        found: the maps of all units, behind the non-linearity where one follows.
        is_chosen: whether the reader chose the image.
    """

    looked: Looked
    layer: str
    found: LayerMaps
    is_chosen: bool


def see_maps(subject: Subject, layer: str, looked: Looked, *, is_chosen: bool = False) -> SeenMaps:
    """The maps of a layer for an image, strongest first in their `order`."""
    found = maps_behind(subject.network, subject.standardised(looked.pixels[None])[0], layer)
    return SeenMaps(looked=looked, layer=layer, found=found, is_chosen=is_chosen)
