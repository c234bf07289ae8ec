"""The networks of the package: all that is known of each, in one entry.

A new network is a file of its own and an entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from convscope.networks import vgg
from convscope.networks.conv4 import Conv4
from convscope.networks.conv_dropout import ConvDropout
from convscope.networks.counter import Counter
from convscope.networks.fully_connected import FullyConnected
from convscope.networks.linear import Linear
from convscope.networks.residual import ResNet18, SmallResNet
from convscope.networks.two_conv import TwoConv
from convscope.networks.vgg12 import VGG12


@dataclass(frozen=True, kw_only=True)
class NetworkEntry:
    """What is known of a network before it is built."""

    name: str
    description: str
    """One line for lists."""

    build: Callable[..., nn.Module]
    """Takes `in_channels`, `image_size`, `num_classes`, and those of the options below that it has."""

    minimum_side: int = 1
    """The smallest height and width, in pixels, at which each halving has at least two pixels to halve."""

    dropout: bool = False
    """Whether it takes `dropout`."""

    batch_norm: tuple[bool, ...] = (False,)
    """The values of `batch_norm` that it can have; with both, it takes `batch_norm`."""


CATALOGUE = (
    NetworkEntry(
        name="linear", build=Linear, description="softmax regression: one layer from pixels to classes"
    ),
    NetworkEntry(
        name="fully-connected",
        build=FullyConnected,
        description="two hidden layers of 500 units, no convolution",
    ),
    NetworkEntry(
        name="two-conv",
        build=TwoConv,
        description="two 5×5 convolutions and 128 units; the fastest for small grey images",
        minimum_side=3,
        dropout=True,
    ),
    NetworkEntry(
        name="conv4",
        build=Conv4,
        description="four 3×3 convolutions, two poolings, one layer",
        minimum_side=3,
    ),
    NetworkEntry(
        name="conv-dropout",
        build=ConvDropout,
        description="two wide 5×5 convolutions, 1,024 units and dropout",
        minimum_side=3,
        dropout=True,
    ),
    NetworkEntry(
        name="counter",
        build=Counter,
        description="two residual blocks averaged over the whole image; for counting things",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="small-resnet",
        build=SmallResNet,
        description="three residual blocks with batch normalisation; for small colour images on a CPU",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="resnet18",
        build=ResNet18,
        description="eight residual blocks, 11 million parameters; for small images on a GPU",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="vgg12",
        build=VGG12,
        description="ten 3×3 convolutions and 4,096 units, for small images",
        dropout=True,
        batch_norm=(False, True),
    ),
    *(
        NetworkEntry(
            name=f"vgg{depth}",
            build=partial(vgg.VGG, depth),
            description=f"{depth - 3} 3×3 convolutions in five blocks and three layers (2014)",
            minimum_side=vgg.MINIMUM_SIDE,
            dropout=True,
            batch_norm=(False, True),
        )
        for depth in vgg.BLOCKS
    ),
)


def network_names() -> tuple[str, ...]:
    """Names of the networks of the package, smallest first."""
    return tuple(entry.name for entry in CATALOGUE)


def network_entry(name: str) -> NetworkEntry | None:
    """The entry of a name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)
