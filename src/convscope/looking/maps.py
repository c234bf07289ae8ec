"""What does a layer make of one image?"""

from dataclasses import dataclass

from convscope.inspection.activations import LayerMaps, layer_maps
from convscope.looking.subject import Looked, Subject


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenMaps:
    """The outputs of a layer's units for one image.

    Attributes:
        looked: the image.
        layer: the layer.
        found: the maps of all units.
        is_chosen: whether the reader chose the image.
    """

    looked: Looked
    layer: str
    found: LayerMaps
    is_chosen: bool


def see_maps(subject: Subject, layer: str, looked: Looked, *, is_chosen: bool = False) -> SeenMaps:
    """The maps of a layer for an image, strongest first in their `order`."""
    found = layer_maps(subject.network, subject.standardised(looked.pixels[None])[0], layer)
    return SeenMaps(looked=looked, layer=layer, found=found, is_chosen=is_chosen)
