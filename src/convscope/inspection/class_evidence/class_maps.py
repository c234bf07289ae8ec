"""Where in the image a convolutional network looks for a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.class_evidence.classes import chosen_classes
from convscope.inspection.layers import check_images, last_spatial_layer, recorded_outputs, shape_of

ClassMapMethod = Literal["grad-cam", "grad-cam++", "layer-cam"]


@dataclass(frozen=True, kw_only=True)
class ClassMaps:
    """Which places of a layer speak for a class.

    classes: (N,), the class each map is about. logits: (N, num_classes).
    coarse: (N, h, w), the map at the layer's resolution, 0 and up.
    maps: (N, H, W), the same, bilinearly enlarged to the image.
    """

    method: ClassMapMethod
    layer: str
    classes: NDArray[np.int64]
    logits: NDArray[np.float32]
    coarse: NDArray[np.float32]
    maps: NDArray[np.float32]

    def normalised(self) -> NDArray[np.float32]:
        """Return the maps (N, H, W), each divided by its largest value; a map of zeros stays so."""
        largest = self.maps.max(axis=(1, 2), keepdims=True)
        return np.asarray(self.maps / np.where(largest > 0, largest, 1), dtype=np.float32)


def class_maps(
    network: nn.Module,
    images: Tensor,
    *,
    method: ClassMapMethod = "grad-cam",
    classes: int | Sequence[int] | None = None,
    layer: str | None = None,
    batch_size: int = 16,
) -> ClassMaps:
    """Return where in standardised images (N, C, H, W) the network looks for a class.

    A class of None is the one that the network predicts.

    grad-cam: Selvaraju et al. 2017. grad-cam++: Chattopadhay et al. 2018, up to a positive factor for each
    image (the exponential of the score, which overflows). layer-cam: Jiang et al. 2021. The layer is the
    last whose output is larger than 1×1, unless one is named.

    Raises UsageError for a wrong layer, a layer without height and width, or a wrong class.
    """
    check_images(images)
    if isinstance(classes, Sequence):
        chosen_classes(torch.zeros(len(images), max(classes, default=0) + 1), classes)
    name = layer or last_spatial_layer(network, shape_of(images))
    parts = []
    with borrowed(network):
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            wanted = classes[batch] if isinstance(classes, Sequence) else classes
            features, gradients, logits, chosen = _features_and_gradients(
                network, images[batch], name, wanted
            )
            parts.append((_combine(method, features, gradients), logits, chosen))
    coarse, logits, chosen = (torch.cat(part) for part in zip(*parts, strict=True))
    maps = F.interpolate(coarse[:, None], images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return ClassMaps(
        method=method,
        layer=name,
        classes=chosen.cpu().numpy(),
        logits=logits.float().cpu().numpy(),
        coarse=coarse.float().cpu().numpy(),
        maps=maps.float().cpu().numpy(),
    )


def _features_and_gradients(
    network: nn.Module, images: Tensor, layer: str, classes: int | Sequence[int] | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the layer's output (N, units, h, w), the score's gradient for it, logits and classes."""
    with recorded_outputs(network, [layer]) as outputs:
        # With frozen parameters the graph must begin somewhere: at the image.
        logits = network(images.to(device_of(network)).detach().clone().requires_grad_(True))
    features = outputs[layer]
    if features.ndim != 4:
        raise UsageError(
            f"layer {layer} gives {tuple(features.shape[1:])} for an image, without height and width: "
            f"choose a layer before it, such as {last_spatial_layer(network, shape_of(images))}"
        )
    chosen = chosen_classes(logits, classes)
    scores = logits.gather(1, chosen[:, None]).sum()
    (gradients,) = torch.autograd.grad(scores, features)
    return features.detach(), gradients, logits.detach(), chosen


def _combine(method: ClassMapMethod, features: Tensor, gradients: Tensor) -> Tensor:
    """Weigh the units' maps (N, units, h, w) into one map (N, h, w) of what speaks for the class."""
    match method:
        case "grad-cam":
            weights = gradients.mean(dim=(2, 3), keepdim=True)
        case "grad-cam++":
            weights = _second_order_weights(features, gradients)
        case "layer-cam":
            weights = gradients.clamp(min=0)
        case _:
            raise UsageError(f"there is no method {method!r}: choose grad-cam, grad-cam++ or layer-cam")
    return (weights * features).sum(dim=1).clamp(min=0)


def _second_order_weights(features: Tensor, gradients: Tensor) -> Tensor:
    """Return Grad-CAM++'s weights (N, units, 1, 1): equation 19 with the score's exponential left out."""
    total = features.sum(dim=(2, 3), keepdim=True)
    denominator = 2 * gradients**2 + total * gradients**3
    shares = torch.where(
        denominator != 0, gradients**2 / torch.where(denominator != 0, denominator, 1.0), 0.0
    )
    return (shares * gradients.clamp(min=0)).sum(dim=(2, 3), keepdim=True)
