"""The operators that networks of images run, by what they do to a value."""

from typing import Any, Literal

import torch

Kind = Literal[
    "image",
    "convolution",
    "linear",
    "normalisation",
    "non-linearity",
    "pooling",
    "sum",
    "product",
    "scale",
    "reshaping",
    "padding",
    "other",
]

_aten = torch.ops.aten

_KINDS: dict[Any, Kind] = {
    _aten.convolution: "convolution",
    _aten.addmm: "linear",
    _aten.mm: "linear",
    _aten.native_batch_norm: "normalisation",
    _aten._native_batch_norm_legit_no_training: "normalisation",
    _aten.cudnn_batch_norm: "normalisation",
    _aten.max_pool2d_with_indices: "pooling",
    _aten.avg_pool2d: "pooling",
    _aten.adaptive_max_pool2d: "pooling",
    _aten._adaptive_avg_pool2d: "pooling",
    _aten.mean: "pooling",
    _aten.amax: "pooling",
    _aten.view: "reshaping",
    _aten._unsafe_view: "reshaping",
    _aten.clone: "reshaping",
    _aten.alias: "reshaping",
    _aten.detach: "reshaping",
    _aten._to_copy: "reshaping",
    _aten.constant_pad_nd: "padding",
    _aten.add: "sum",
    _aten.add_: "sum",
    _aten.hardswish: "non-linearity",
    _aten.hardswish_: "non-linearity",
}

HIDDEN: frozenset[Kind] = frozenset({"reshaping", "padding"})
"""They move values and compute nothing: a reader is shown the layers around them."""

WEIGHING: frozenset[Kind] = frozenset({"convolution", "linear"})
"""They weigh values and add them up."""

OF_ANY_AXES = (_aten.mean, _aten.amax)
"""They take a mean, or the largest, along the axes that they are told."""

ONLY_STRIDES = _aten.as_strided_
"""Changes how a tensor lies in memory, in place, and nothing of its values."""


def kind_of(operator: Any, from_image: int, first_comes_from_image: bool) -> Kind:
    """What an operator does.

    Args:
        operator: of aten.
        from_image: how many of its tensor arguments depend on the image.
        first_comes_from_image: whether its first argument does.
    """
    packet = operator.overloadpacket
    if packet in (_aten.mul, _aten.mul_, _aten.div, _aten.div_):
        if packet in (_aten.mul, _aten.mul_) and from_image == 2:
            return "product"
        return "scale" if from_image == 1 and first_comes_from_image else "other"
    if packet in (_aten.add, _aten.add_):
        return "sum" if from_image == 2 else "other"
    if packet in _KINDS:
        return _KINDS[packet]
    if torch.Tag.pointwise in operator.tags and from_image == 1 and first_comes_from_image:
        return "non-linearity"
    return "other"


def word_of(operator: Any) -> str:
    """The operator's name as a reader knows it: `relu`, `relu6`, `mean`."""
    name: str = operator.overloadpacket.__name__.removesuffix("_")
    return {"hardtanh": "relu6"}.get(name, name)
