"""A network without its last layer: features and logits in one pass, and no hook that threads would share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from convscope.classifier.held_out.familiarity import Familiarity
from convscope.classifier.logits import in_batches, twin_of
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.errors import UsageError


def head_layer(network: nn.Module) -> nn.Linear:
    """The last linear layer of a network, from features to outputs.

    Raises:
        UsageError: when its last layer is not a linear one.
    """
    get_classifier = getattr(network, "get_classifier", None)  # timm's
    layer = get_classifier() if callable(get_classifier) else None
    if layer is None:
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        layer = linear[-1] if linear else None
    if not isinstance(layer, nn.Linear):
        raise UsageError(
            f"the head of {type(network).__name__} is no linear layer, so it cannot be fitted alone; "
            "train all layers, or take another network"
        )
    return layer


Places = Mapping[str, object]
"""Of a module: the names of its weights, buffers or modules, and what stands there now."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A twin of a network in evaluation mode, whose head passes on what it gets; it shares all weights.

    Attributes:
        twin: images `(N, C, H, W)` → features `(N, F)`.
        head: features → outputs `(N, num_outputs)`.
        parts: the network's modules, weights and buffers, and where each stood in it.
    """

    twin: nn.Module
    head: nn.Linear
    parts: tuple[tuple[Places, str, object], ...] = field(repr=False)

    @staticmethod
    def of(network: nn.Module) -> "Backbone":
        """The backbone of a network.

        Raises:
            UsageError: when its last layer is not a linear one.
        """
        head = head_layer(network)
        parts = tuple(
            (places, name, part)
            for module in network.modules()
            for places in (module._parameters, module._buffers, module._modules)
            for name, part in places.items()
        )
        return Backbone(twin_of(network, {head: nn.Identity()}).eval(), head, parts)

    @property
    def is_current(self) -> bool:
        """Whether the network still has the same parts: one that is moved elsewhere has new buffers."""
        return all(places.get(name) is part for places, name, part in self.parts)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs `(N, num_outputs)`, with the network's own bits, and features `(N, F)`."""
        features = self.twin(images)
        return self.head(features), features

    @torch.inference_mode()
    def gives_outputs_of(self, network: nn.Module, images: Tensor) -> bool:
        """Whether its outputs of images are the network's, bit for bit: nothing stands behind the head."""
        outputs, features = self(images)
        return features.ndim == 2 and torch.equal(outputs, network(images))

    def compute_features(self, preprocessing: Preprocessing, images: Images) -> Tensor:
        """Features `(N, F)`, on the CPU, of uint8 images `(N, C, H, W)`."""
        found = in_batches(lambda batch, _: (self.twin(batch).float(),), self._device, preprocessing, images)
        return found[0] if found else torch.empty(0, self.head.in_features)

    def compute_answers(
        self,
        preprocessing: Preprocessing,
        images: Images,
        familiarity: Familiarity,
        batch_size: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Outputs `(N, num_outputs)` and how unlike the training images each is, `(N,)`, from one pass."""

        def forward(batch: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
            outputs, features = self(batch)
            if preprocessing.mirrored:
                return (outputs.float() + self(batch.flip(3))[0].float()) / 2, of(features, pixels)
            return outputs.float(), of(features, pixels)

        of = familiarity.unlikeness
        found = in_batches(forward, self._device, preprocessing, images, batch_size)
        if not found:
            return torch.empty(0, self.head.out_features), torch.empty(0, dtype=torch.float64)
        return found[0], found[1]

    @property
    def _device(self) -> torch.device:
        return self.head.weight.device
