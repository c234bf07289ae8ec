"""The networks of the package, with what `convscope networks` says of each."""

from dataclasses import dataclass

from convscope.networks import vgg


@dataclass(frozen=True, kw_only=True)
class NetworkEntry:
    """What is known of a network before it is built."""

    name: str
    description: str
    """One line for lists."""

    minimum_side: int = 1
    """The smallest height and width, in pixels, at which each halving has at least two pixels to halve."""

    dropout: bool = False
    """Whether it takes `dropout`."""

    batch_norm: tuple[bool, ...] = (False,)
    """The values of `batch_norm` that it can have."""


CATALOGUE = (
    NetworkEntry(name="linear", description="softmax regression: one layer from pixels to classes"),
    NetworkEntry(name="fully-connected", description="two hidden layers of 500 units, no convolution"),
    NetworkEntry(
        name="two-conv",
        description="two 5×5 convolutions and 128 units; the fastest for small grey images",
        minimum_side=3,
        dropout=True,
    ),
    NetworkEntry(name="conv4", description="four 3×3 convolutions, two poolings, one layer", minimum_side=3),
    NetworkEntry(
        name="conv-dropout",
        description="two wide 5×5 convolutions, 1,024 units and dropout",
        minimum_side=3,
        dropout=True,
    ),
    NetworkEntry(
        name="counter",
        description="two residual blocks averaged over the whole image; for counting things",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="small-resnet",
        description="three residual blocks with batch normalisation; for small colour images on a CPU",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="resnet18",
        description="eight residual blocks, 11 million parameters; for small images on a GPU",
        minimum_side=5,
        batch_norm=(True,),
    ),
    NetworkEntry(
        name="vgg12",
        description="ten 3×3 convolutions and 4,096 units, for small images",
        dropout=True,
        batch_norm=(False, True),
    ),
    *(
        NetworkEntry(
            name=f"vgg{depth}",
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
