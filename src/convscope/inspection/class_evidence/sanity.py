"""Whether a map says something about the network: does it change when the weights are randomised?"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.class_evidence.class_maps import ClassMapMethod, class_maps
from convscope.inspection.layers import last_spatial_layer, shape_of

MakeMaps = Callable[[nn.Module, Tensor], NDArray[np.float32]]
"""From a network and images (N, C, H, W) to maps (N, H, W), for classes that do not depend on the network."""

Randomisation = Literal["cascading", "independent"]
_UNCHANGED_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class SanityCheck:
    """How alike maps are before and after randomising weights.

    stages: which layers were randomised at each stage, from the output towards the image; cascading adds to
    those before, independent restores them. similarity: (S, N), Spearman's rank correlation for each stage
    and image, NaN where a map is the same everywhere and so has no ranks.
    """

    randomisation: Randomisation
    stages: tuple[tuple[str, ...], ...]
    similarity: NDArray[np.float64]

    @property
    def rested_on(self) -> NDArray[np.float64]:
        """The correlations that decide: once all is randomised (cascading), or of all stages."""
        return self.similarity[-1] if self.randomisation == "cascading" else self.similarity

    @property
    def depends(self) -> bool | None:
        """True if the maps depend on the weights, False if they do not, None if it cannot be told.

        They do not where their mean correlation with those of random weights is 0.5 or more.
        """
        known = self.rested_on[np.isfinite(self.rested_on)]
        return None if known.size == 0 else bool(known.mean() < _UNCHANGED_FROM)


def sanity_check(
    network: nn.Module,
    images: Tensor,
    make_maps: MakeMaps,
    *,
    randomisation: Randomisation = "cascading",
    max_stages: int = 5,
    seed: int = 0,
) -> SanityCheck:
    """Randomise the weights stage by stage and compare the maps: Adebayo et al. 2018.

    The layers with weights are put into at most `max_stages` groups. A matrix or kernel is drawn anew from
    a normal distribution with its own mean and standard deviation; biases and scales are shuffled, so that
    the values keep their size. It is a copy of the network whose weights are drawn anew.
    """
    if randomisation not in ("cascading", "independent"):
        raise UsageError(f"there is no randomisation {randomisation!r}: choose cascading or independent")
    generator = torch.Generator().manual_seed(seed)
    stages = _stages(network, max_stages)
    with borrowed(network):
        original = make_maps(network, images)
        similarity = []
        spare = copy.deepcopy(network)
        for stage in stages:
            if randomisation == "independent":
                spare.load_state_dict(network.state_dict())
            _randomise(spare, stage, generator)
            similarity.append(_similarity(original, make_maps(spare, images)))
    return SanityCheck(randomisation=randomisation, stages=stages, similarity=np.array(similarity))


def check_class_maps(
    network: nn.Module,
    images: Tensor,
    *,
    method: ClassMapMethod = "grad-cam",
    layer: str | None = None,
    randomisation: Randomisation = "cascading",
    seed: int = 0,
) -> SanityCheck:
    """Check class maps of the classes that the network predicts with its own weights."""
    name = layer or last_spatial_layer(network, shape_of(images))
    classes = class_maps(network, images, layer=name).classes.tolist()

    def make(borrowed_network: nn.Module, batch: Tensor) -> NDArray[np.float32]:
        return class_maps(borrowed_network, batch, method=method, classes=classes, layer=name).maps

    return sanity_check(network, images, make, randomisation=randomisation, seed=seed)


def _stages(network: nn.Module, max_stages: int) -> tuple[tuple[str, ...], ...]:
    """Return groups of layers that own parameters, from the output towards the image."""
    layers = [name for name, module in network.named_modules() if any(True for _ in _own(module))][::-1]
    if not layers:
        raise UsageError("the network has no weights to randomise")
    return tuple(tuple(group.tolist()) for group in np.array_split(layers, min(max_stages, len(layers))))


def _own(module: nn.Module) -> Iterator[nn.Parameter]:
    return module.parameters(recurse=False)


def _randomise(network: nn.Module, layers: tuple[str, ...], generator: torch.Generator) -> None:
    with torch.no_grad():
        for name in layers:
            for parameter in _own(network.get_submodule(name)):
                parameter.copy_(_redrawn(parameter, generator).to(device_of(network)))


def _redrawn(parameter: Tensor, generator: torch.Generator) -> Tensor:
    values = parameter.detach().cpu()
    if values.ndim < 2:
        return values.flatten()[torch.randperm(values.numel(), generator=generator)].reshape(values.shape)
    spread = values.float().std(correction=0)
    return values.float().mean() + spread * torch.randn(values.shape, generator=generator)


def _similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> list[float]:
    return [_rank_correlation(one.ravel(), other.ravel()) for one, other in zip(first, second, strict=True)]


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Spearman's rank correlation, or NaN if one of the maps is the same everywhere."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
