"""The networks of the package: all that is known of each, in one entry.

A new network is a file of its own, which holds its layers, and an entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

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
from convscope.networks.whitened_vgg import WhitenedVGG


@dataclass(frozen=True, kw_only=True)
class NetworkEntry:
    """What is known of a network before it is built."""

    name: str
    description: str
    """One line for lists."""

    build: Callable[..., nn.Module]
    """`build(in_channels, image_size, num_classes)`, and those of the options below that it has, by name."""

    image_shape: tuple[int, int, int] = (1, 28, 28)
    """Channels, height and width of the images that it was made for."""

    minimum_side: int = 1
    """The smallest height and width, in pixels, at which each halving has at least two pixels to halve."""

    dropout: bool = False
    """Whether it takes `dropout`."""

    batch_norm: tuple[bool, ...] = (False,)
    """The values of `batch_norm` that it can have; with two it takes `batch_norm`."""

    recipe: Literal["counter", "residual", "whitened", "small", "plain"] = "plain"
    """As what it is trained where nothing else is asked."""

    @property
    def has_choice_of_batch_norm(self) -> bool:
        """Whether it can be had with batch normalisation and without."""
        return len(self.batch_norm) > 1


CATALOGUE = (
    NetworkEntry(
        name="linear",
        description="softmax regression: one layer from pixels to classes",
        build=Linear,
    ),
    NetworkEntry(
        name="fully-connected",
        description="two hidden layers of 500 units, no convolution",
        build=FullyConnected,
    ),
    NetworkEntry(
        name="two-conv",
        description="two 5×5 convolutions and 128 units; the fastest for small grey images",
        build=TwoConv,
        minimum_side=3,
        dropout=True,
        recipe="small",
    ),
    NetworkEntry(
        name="conv4",
        description="four 3×3 convolutions, two poolings, one layer",
        build=Conv4,
        minimum_side=3,
    ),
    NetworkEntry(
        name="conv-dropout",
        description="two wide 5×5 convolutions, 1,024 units and dropout",
        build=ConvDropout,
        minimum_side=3,
        dropout=True,
    ),
    NetworkEntry(
        name="counter",
        description="two residual blocks averaged over the whole image; for counting things",
        build=Counter,
        image_shape=(3, 64, 64),
        minimum_side=5,
        batch_norm=(True,),
        recipe="counter",
    ),
    NetworkEntry(
        name="small-resnet",
        description="three residual blocks with batch normalisation; for small colour images on a CPU",
        build=SmallResNet,
        image_shape=(3, 32, 32),
        minimum_side=5,
        batch_norm=(True,),
        recipe="residual",
    ),
    NetworkEntry(
        name="whitened-vgg",
        description="six 3×3 convolutions behind a whitening layer; for small colour images",
        build=WhitenedVGG,
        image_shape=(3, 32, 32),
        minimum_side=9,
        batch_norm=(True,),
        recipe="whitened",
    ),
    NetworkEntry(
        name="resnet18",
        description="eight residual blocks, 11 million parameters; for small images on a GPU",
        build=ResNet18,
        image_shape=(3, 32, 32),
        minimum_side=5,
        batch_norm=(True,),
        recipe="residual",
    ),
    NetworkEntry(
        name="vgg12",
        description="ten 3×3 convolutions and 4,096 units, for small images",
        build=VGG12,
        dropout=True,
        batch_norm=(False, True),
    ),
    *(
        NetworkEntry(
            name=f"vgg{depth}",
            description=f"{depth - 3} 3×3 convolutions in five blocks and three layers (2014)",
            build=partial(vgg.VGG, depth),
            image_shape=(3, 224, 224),
            minimum_side=vgg.MINIMUM_SIDE,
            dropout=True,
            batch_norm=(False, True),
        )
        for depth in vgg.BLOCKS
    ),
)

FROM_ELSEWHERE = (
    ("pretrained", "EfficientNet-Lite0 with ImageNet weights that load offline; for photos"),
    (
        "timm:NAME",
        "any network of timm, untrained; with a tag, as in timm:resnet34.a1_in1k, with its weights",
    ),
)
"""Names and descriptions of networks that are not the package's own."""


def network_names() -> tuple[str, ...]:
    """Names of the networks of the package, smallest first."""
    return tuple(entry.name for entry in CATALOGUE)


def network_entry(name: str) -> NetworkEntry | None:
    """The entry of a name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)


FOREIGN_IMAGE = (3, 224, 224)
"""Channels, height and width on which nearly all networks from elsewhere are trained."""


def usual_image_shape(name: str) -> tuple[int, int, int]:
    """The images that a network of the package was made for; those of 224 px for the others."""
    entry = network_entry(name)
    return FOREIGN_IMAGE if entry is None else entry.image_shape


def usual_num_classes(image_shape: tuple[int, int, int]) -> int:
    """As many classes as the data sets of such images have: ImageNet's 1,000 at 224 px, else 10."""
    return 1000 if image_shape[1] == FOREIGN_IMAGE[1] else 10
