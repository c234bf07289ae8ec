"""`convscope summary`: a network's layers, before anything is trained."""

import re
from typing import TYPE_CHECKING

from convscope.cli.flags import WholeNumber
from convscope.cli.output import print_json, result_console
from convscope.config.asked import NetworkConfig
from convscope.errors import UsageError
from convscope.wording import size, some

if TYPE_CHECKING:
    from convscope.networks.summary import Summary

BYTES = 4
"""Of a parameter, in 32 bits."""


def summary(
    network: str,
    /,
    *,
    image: str | None = None,
    classes: WholeNumber | None = None,
    batch_norm: bool | None = None,
    json: bool = False,
) -> int:
    """Each layer's output shape, weights, biases, FLOPs (multiply-accumulates × 2) and receptive field.

    Parameters
    ----------
    network
        See: convscope networks. timm:NAME for any timm network.
    image
        Channels × height × width, as in 1x28x28; what the network was made for unless given.
    classes
        Number of classes; 1,000 for 224 px networks, else 10.
    batch_norm
        With batch normalisation, where the network has the choice.
    json
        Print one JSON document on stdout.
    """
    from convscope.networks.build import build_network
    from convscope.networks.catalogue import usual_image_shape, usual_num_classes
    from convscope.networks.summary import summarise

    shape = _shape(image) if image is not None else usual_image_shape(network)
    built = build_network(
        NetworkConfig(name=network, batch_norm=batch_norm),
        in_channels=shape[0],
        image_size=shape[1:],
        num_classes=classes if classes is not None else usual_num_classes(shape),
        seed=0,
    )
    result = summarise(built, shape)
    if json:
        print_json(_to_dict(network, result))
    else:
        _print(network, result)
    return 0


def _shape(text: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"(\d+)[x×](\d+)[x×](\d+)", text)
    if match is None or "0" in match.groups():
        raise UsageError(
            f"--image: '{text}' is not a shape; it takes channels x height x width, as in 1x28x28"
        )
    channels, height, width = (int(part) for part in match.groups())
    return channels, height, width


def _to_dict(network: str, result: "Summary") -> dict[str, object]:
    return {
        "network": network,
        "image": list(result.image_shape),
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "output_shape": list(layer.output_shape),
                "weights": layer.weights,
                "biases": layer.biases,
                "flops": layer.flops,
                "receptive_field": None if layer.receptive_field is None else list(layer.receptive_field),
                "stride": None if layer.stride is None else list(layer.stride),
            }
            for layer in result.layers
        ],
        "total": {
            "weights": result.total.weights,
            "biases": result.total.biases,
            "parameters": result.total.parameters,
            "flops": result.total.flops,
        },
    }


def _print(network: str, result: "Summary") -> None:
    from convscope.cli.screen import print_line, print_table

    rows = [
        (
            layer.name,
            layer.kind,
            "×".join(str(size) for size in layer.output_shape),
            f"{layer.weights:,}" if layer.weights else "",
            f"{layer.biases:,}" if layer.biases else "",
            f"{layer.flops:,}" if layer.flops else "",
            "" if layer.receptive_field is None else "×".join(str(side) for side in layer.receptive_field),
        )
        for layer in result.layers
    ]
    console = result_console()
    shape = "×".join(str(side) for side in result.image_shape)
    console.print(f"{network}, one image of {shape}; FLOPs are multiply-accumulates × 2")
    head = ("layer", "kind", "output", "weights", "biases", "FLOPs", "receptive field")
    print_table(console, head, rows)
    total = result.total
    console.print()
    print_line(
        console,
        "total",
        f"{some(total.parameters, 'parameter')}, {size(BYTES * total.parameters)}",
        f"{total.flops:,} FLOPs an image",
    )
