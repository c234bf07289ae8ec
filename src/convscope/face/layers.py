"""A network's layers, before anything is trained."""

from __future__ import annotations

from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network
from convscope.networks.catalogue import usual_image_shape, usual_num_classes
from convscope.networks.following.summarising import summarise
from convscope.networks.summary import Summary


def summary(
    network: str,
    *,
    image: tuple[int, int, int] | None = None,
    classes: int | None = None,
    batch_norm: bool | None = None,
) -> Summary:
    """Each layer's output shape, weights, biases, FLOPs (multiply-accumulates × 2) and receptive field.

    Args:
        network: a name of the package, or `timm:NAME`.
        image: channels, height, width; what the network was made for unless given.
        classes: how many; 1,000 for 224 px networks, else 10.
        batch_norm: with batch normalisation, where the network has the choice.

    Raises:
        UsageError: there is no such network, or it cannot take such images.

    >>> import convscope as cs
    >>> table = cs.summary("two-conv", image=(1, 28, 28))
    >>> table.total.parameters
    242062
    >>> [layer.output_shape for layer in table.layers if layer.kind == "Conv2d"]
    [(16, 28, 28), (36, 14, 14)]
    """
    shape = usual_image_shape(network) if image is None else image
    built = build_network(
        NetworkConfig(name=network, batch_norm=batch_norm),
        in_channels=shape[0],
        image_size=shape[1:],
        num_classes=usual_num_classes(shape) if classes is None else classes,
        seed=0,
    )
    return summarise(built, shape, network)
