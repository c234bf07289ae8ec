"""Fine-tuning a pretrained network on a few hundred photos, fast enough for two CPU cores.

Three things make it so. The head starts from the exact solution on frozen features (`head.py`), so
that no gradient of a random head disturbs the backbone (Kumar et al. 2022); but smaller, because on a few
hundred photos that solution is right on all of them, and would leave the stages below it nothing to learn.
The early stages, which find edges and textures in any photo, stay as they are: they work at the highest
resolution, and would cost most. The stages after them learn at rates that fall towards the input (Howard &
Ruder 2018).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from convscope.classifier.backbone import head_layer
from convscope.data.dataset import ImageRows, Images
from convscope.data.preprocessing import Preprocessing
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.features import find_features
from convscope.training.fine_tuning.head import LinearHead, install_head

MOST_EPOCHS = 16
"""Of a time budget: on photos they did no better than half as many (benchmarks/results/kitten_recipe.md)."""


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """Settings that did well on small photo sets (benchmarks/kitten_recipe.py)."""

    image_size: int = 256
    """Side in pixels. A backbone pretrained on random crops of 224 px does best on somewhat larger images
    (Touvron et al. 2019)."""

    fit: str = "squash"
    """Nothing is cut away, and nothing of the square is wasted on a border."""

    augmentation: str = "photos"
    epochs: int = 8
    batch_size: int = 16
    optimizer: str = "adamw"
    learning_rate: float = 5e-4
    schedule: str = "one-cycle"
    warmup: float = 0.25
    """Share of the steps in which the rate rises."""

    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    dropout: float = 0.0

    head_scale: float = 0.25
    """The fitted head times this is where fine-tuning starts from."""

    frozen_share: float = 0.45
    """Share of the stages, from the input, that are not trained."""

    rate_decay: float = 0.7
    """The learning rate of a stage, as a part of the next one's."""

    frozen_statistics: bool = True
    """Normalise with ImageNet's batch statistics; those of 16 photos are noisy."""


def stages(network: nn.Module) -> list[list[str]]:
    """Names of the parameters of each stage, the input's first and the head's last.

    timm's networks say what their stages are; of another network each top-level module is one.
    """
    matcher = getattr(network, "group_matcher", None)
    if callable(matcher):
        from timm.models import group_parameters  # whoever has a matcher is timm's, which is loaded by then

        groups: dict[int, list[str]] = group_parameters(network, matcher(coarse=True))
        return [groups[key] for key in sorted(groups)]
    named: dict[str, list[str]] = {}
    for name, _ in network.named_parameters():
        named.setdefault(name.partition(".")[0], []).append(name)
    return list(named.values())


def freeze_early_stages(network: nn.Module, share: float) -> None:
    """Stop the first `share` of the stages from being trained; the last is never frozen."""
    every = stages(network)
    frozen = {name for stage in every[: min(int(share * len(every)), len(every) - 1)] for name in stage}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)


def freeze_backbone(network: nn.Module) -> None:
    """Train the head alone."""
    network.requires_grad_(False)
    head_layer(network).requires_grad_(True)


@torch.no_grad()
def soften_head(network: nn.Module, scale: float) -> None:
    """Make the fitted head less sure: the same answers, with logits `scale` times as large."""
    for parameter in head_layer(network).parameters():
        parameter.mul_(scale)


def rate_scales(network: nn.Module, decay: float) -> dict[str, float]:
    """Parameter name -> factor on the learning rate: 1 for the head and the stage before it, then `decay`,
    `decay²`, … towards the input.
    """
    *backbone, head = stages(network)
    scales = dict.fromkeys(head, 1.0)
    for distance, stage in enumerate(reversed(backbone)):
        scales |= dict.fromkeys(stage, decay**distance)
    return scales


def set_training_mode(network: nn.Module, *, frozen_statistics: bool) -> None:
    """`network.train()`, but what is frozen behaves as in evaluation.

    A module none of whose parameters is trained keeps its batch statistics and drops nothing; with
    `frozen_statistics` every batch normalisation keeps them.
    """
    network.train()
    for module in network.modules():
        parameters = list(module.parameters())
        frozen = bool(parameters) and not any(parameter.requires_grad for parameter in parameters)
        if frozen or (frozen_statistics and isinstance(module, _BatchNorm)):
            module.eval()


def start_from_fitted_head(
    network: nn.Module,
    preprocessing: Preprocessing,
    images: Images,
    targets: Tensor,
    *,
    num_classes: int | None,
    mirror: bool = True,
    weights: Tensor | None = None,
) -> LinearHead:
    """Fit the head on frozen features of the training images, and write it into the network.

    Args:
        network: pretrained; only its head changes.
        preprocessing: of the classifier.
        images: uint8 `(N, C, H, W)`.
        targets: `(N,)` class indices; for regression numbers in the units that the network's output has.
        num_classes: None for regression.
        mirror: fit on each image and its mirror image; for data whose augmentation flips.
        weights: `(N,)`, how much each image counts.
    """
    rows = images if isinstance(images, ImageRows) else ImageRows.of(images)
    draws = [rows, rows.mirror()] if mirror else [rows]
    features = torch.stack([find_features(network, preprocessing, draw) for draw in draws])
    head = fit_head(features, targets, num_classes=num_classes, weights=weights)
    install_head(network, head)
    return head
