"""Which image does each class of a linear network look for?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from convscope.errors import UsageError
from convscope.looking.subject import Subject

MOST_SHOWN = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenTemplates:
    """The weights that a linear network multiplies an image with, one template for each class.

    Attributes:
        layer: its one layer.
        weights: (classes, C, H, W), of at most 40 classes.
        names: of these classes; "the number" where the network answers with one.
    """

    layer: str
    weights: NDArray[np.float32]
    names: tuple[str, ...]


def see_templates(subject: Subject) -> SeenTemplates:
    """The templates of a network whose one layer with weights reads the image.

    Raises:
        UsageError: for any other network.
    """
    leaves = [(name, each) for name, each in subject.network.named_modules() if list(each.parameters(False))]
    if len(leaves) != 1 or not isinstance(leaves[0][1], nn.Linear):
        raise UsageError("no convolution here has filters larger than a point")
    layer, linear = leaves[0]
    weights = linear.weight.detach().float().cpu().numpy().reshape(-1, *subject.image_shape)
    names = subject.class_names or ("the number",)
    return SeenTemplates(layer=layer, weights=weights[:MOST_SHOWN], names=names[:MOST_SHOWN])
