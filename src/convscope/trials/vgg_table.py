"""VGG's table (E9), measured: weights of each layer, layers of each depth, what stacked convolutions see."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convscope.networks.following.receptive_fields import receptive_fields
from convscope.networks.following.summarising import summarise
from convscope.networks.summary import Summary
from convscope.networks.vgg import BLOCKS, VGG
from convscope.trials.claims import Claim

REPORTED_WEIGHTS = (
    1_728, 36_864, 73_728, 147_456, 294_912, 589_824, 589_824, 1_179_648, *(2_359_296,) * 5,
    102_760_448, 16_777_216, 4_096_000,
)  # fmt: skip
"""What the source reports for the sixteen layers of `vgg16`."""

REPORTED_GREY = 1_728
"""What it reports for the first layer of a network for grey images."""

_IMAGE = (3, 224, 224)
_CLASSES = 1000
_WIDTH = 64  # channels of the stacked convolutions; the ratio of their weights is the same at any width


@dataclass(frozen=True, kw_only=True)
class LayerWeights:
    """One layer of `vgg16`: its weights, without biases, reported and measured."""

    name: str
    reported: int
    measured: int


@dataclass(frozen=True, kw_only=True)
class VGGTable:
    """What was measured.

    Attributes:
        layers: of `vgg16`, in order.
        totals: weights and biases, by depth.
        pooled_channels: of the maps after each of `vgg16`'s poolings.
        claims: what the source says.
        mistakes: what it says, and what cannot be.
    """

    layers: tuple[LayerWeights, ...]
    totals: dict[int, int]
    pooled_channels: tuple[int, ...]
    claims: tuple[Claim, ...]
    mistakes: tuple[Claim, ...]

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and result cards."""
        return {
            "layers": [
                {"layer": each.name, "reported": each.reported, "measured": each.measured}
                for each in self.layers
            ],
            "parameters": {f"vgg{depth}": total for depth, total in self.totals.items()},
            "channels_after_pooling": list(self.pooled_channels),
            "claims": [claim.to_dict() for claim in self.claims],
            "mistakes": [claim.to_dict() for claim in self.mistakes],
        }


def measure_vgg() -> VGGTable:
    """Build each depth without weights, and count. Nothing is drawn, trained or downloaded."""
    summaries = {depth: _summary(depth) for depth in BLOCKS}
    layers = _layers(summaries[16])
    pooled = tuple(layer.output_shape[0] for layer in summaries[16].layers if layer.name.startswith("pool"))
    return VGGTable(
        layers=layers,
        totals={depth: summary.total.parameters for depth, summary in summaries.items()},
        pooled_channels=pooled,
        claims=(_weights(layers), _depths(summaries), _stack(2), _stack(3), _ratio()),
        mistakes=(_pooling(summaries[16], pooled), _grey()),
    )


def _weights(layers: tuple[LayerWeights, ...]) -> Claim:
    wrong = [each.name for each in layers if each.reported != each.measured]
    total = sum(each.measured for each in layers)
    same = len(layers) - len(wrong)
    return Claim(
        says="the weights of each of vgg16's layers",
        holds=not wrong,
        because=f"{same} of {len(layers)} figures are the same; together {total:,} weights.",
        figures={"same": same, "layers": len(layers), "weights": total, "different": wrong},
    )


def _depths(summaries: dict[int, Summary]) -> Claim:
    counted = {depth: len(_weighing(summary)) for depth, summary in summaries.items()}
    said = ", ".join(f"vgg{depth} has {count}" for depth, count in counted.items())
    return Claim(
        says="each network has as many layers with weights as its name says",
        holds=all(depth == count for depth, count in counted.items()),
        because=f"{said}.",
        figures={f"vgg{depth}": count for depth, count in counted.items()},
    )


def _stack(count: int) -> Claim:
    side = 2 * count + 1
    seen = _seen(count)
    words = {2: "two", 3: "three"}
    return Claim(
        says=f"{words[count]} stacked 3×3 convolutions see {side}×{side} pixels",
        holds=seen == (side, side),
        because=f"A unit of the last sees {seen[0]}×{seen[1]}.",
        figures={"seen": list(seen)},
    )


def _ratio() -> Claim:
    stacked, one = (_weights_of(network) for network in (_stacked(3), _one(7)))
    share = stacked / one
    return Claim(
        says="three of them have 27/49 = 55 % of the weights of one 7×7",
        holds=stacked * 49 == one * 27,
        because=f"With {_WIDTH} channels {stacked:,} against {one:,}: {100 * share:.1f} %.",
        figures={"stacked": stacked, "one": one, "share": share},
    )


def _pooling(summary: Summary, pooled: tuple[int, ...]) -> Claim:
    before = tuple(
        earlier.output_shape[0]
        for earlier, layer in zip(summary.layers, summary.layers[1:], strict=False)
        if layer.name.startswith("pool")
    )
    return Claim(
        says="after two of its poolings the maps are of another number than before",
        holds=before != pooled,
        because=f"A pooling leaves their number as it is: {', '.join(map(str, pooled))}.",
        figures={"before": list(before), "after": list(pooled)},
    )


def _grey() -> Claim:
    measured = _weighing(_summary(16, channels=1))[0].weights
    return Claim(
        says=f"the first layer for grey images has {REPORTED_GREY:,} weights",
        holds=measured == REPORTED_GREY,
        because=f"It has {measured:,}; {REPORTED_GREY:,} belong to images of three channels.",
        figures={"reported": REPORTED_GREY, "measured": measured},
    )


def _layers(summary: Summary) -> tuple[LayerWeights, ...]:
    weighing = _weighing(summary)
    return tuple(
        LayerWeights(name=layer.name, reported=reported, measured=layer.weights)
        for layer, reported in zip(weighing, REPORTED_WEIGHTS, strict=True)
    )


def _summary(depth: int, channels: int = _IMAGE[0]) -> Summary:
    with torch.device("meta"):
        network = VGG(depth, channels, _IMAGE[1:], _CLASSES)
    return summarise(network, (channels, *_IMAGE[1:]))


def _weighing(summary: Summary) -> list[Any]:
    return [layer for layer in summary.layers if layer.weights]


def _stacked(count: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Conv2d(_WIDTH, _WIDTH, 3, device="meta") for _ in range(count)))


def _one(side: int) -> nn.Module:
    return nn.Conv2d(_WIDTH, _WIDTH, side, device="meta")


def _seen(count: int) -> tuple[int, int]:
    network = _stacked(count)
    return receptive_fields(network, (_WIDTH, 32, 32))[str(count - 1)].size


def _weights_of(network: nn.Module) -> int:
    return summarise(network, (_WIDTH, 32, 32)).total.weights
