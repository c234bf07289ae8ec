"""`convscope summary`: a network's layers, before anything is trained."""

import re
from typing import TYPE_CHECKING

from convscope.cli.flags import WholeNumber
from convscope.cli.output import print_json, result_console
from convscope.errors import UsageError

if TYPE_CHECKING:
    from convscope.networks.summary import Summary

LEFT_OUT_FIRST = ("biases", "kind", "receptive field")
"""Columns for which a narrow screen has no room."""


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
    from convscope.face.layers import summary as summarised

    result = summarised(
        network, image=None if image is None else _shape(image), classes=classes, batch_norm=batch_norm
    )
    if json:
        print_json(result.to_dict())
    else:
        _print(result)
    return 0


def _shape(text: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"(\d+)[x×](\d+)[x×](\d+)", text)
    if match is None or "0" in match.groups():
        raise UsageError(
            f"--image: '{text}' is not a shape; it takes channels x height x width, as in 1x28x28"
        )
    channels, height, width = (int(part) for part in match.groups())
    return channels, height, width


def _print(result: "Summary") -> None:
    from rich.text import Text

    from convscope.cli.layer_drawing import draw_layers
    from convscope.cli.screen import print_line, print_table
    from convscope.networks.summary import COLUMNS

    console = result_console()
    console.print(result.heading)
    print_table(console, COLUMNS, [layer.cells() for layer in result.layers], left_out_first=LEFT_OUT_FIRST)
    console.print()
    print_line(console, "total", *result.sums)
    drawing = draw_layers(result, console.width)
    if drawing:
        console.print()
        for row in drawing:
            console.print(Text(row), soft_wrap=True)
