"""Whether a map says something about the network: does it change when the weights are randomised?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of, restored_weights
from convscope.inspection.class_maps import ClassMapMethod, class_maps
from convscope.inspection.layers import last_spatial_layer

MakeMaps = Callable[[nn.Module, Tensor], NDArray[np.float32]]
"""From a network and images (N, C, H, W) to maps (N, H, W), for classes that do not depend on the network."""

Randomisation = Literal["cascading", "independent"]
_UNCHANGED_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class SanityCheck:
    """How alike maps are before and after randomising weights.

    stages: which layers were randomised at each stage, from the output towards the image; cascading adds to
    those before, independent restores them. similarity: (S, N), Spearman's rank correlation for each stage
    and image, NaN where a map is the same everywhere and so has no ranks. verdict: one sentence. depends:
    True if the maps depend on the weights, False if they do not, None if it cannot be told.
    """

    randomisation: Randomisation
    stages: tuple[tuple[str, ...], ...]
    similarity: NDArray[np.float64]
    depends: bool | None
    verdict: str


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
    the values keep their size. The verdict rests on the mean correlation once all is randomised
    (cascading), or over all stages (independent): from 0.5 up, the maps do not depend on the weights.
    Afterwards the weights are restored bit for bit, also after an error.
    """
    if randomisation not in ("cascading", "independent"):
        raise UsageError(f"there is no randomisation {randomisation!r}: choose cascading or independent")
    generator = torch.Generator().manual_seed(seed)
    stages = _stages(network, max_stages)
    with borrowed(network):
        original = make_maps(network, images)
        similarity = []
        with restored_weights(network):
            for stage in stages:
                if randomisation == "cascading":
                    _randomise(network, stage, generator)
                    similarity.append(_similarity(original, make_maps(network, images)))
                    continue
                with restored_weights(network):
                    _randomise(network, stage, generator)
                    similarity.append(_similarity(original, make_maps(network, images)))
    table = np.array(similarity)
    depends, verdict = _verdict(table[-1] if randomisation == "cascading" else table)
    return SanityCheck(
        randomisation=randomisation, stages=stages, similarity=table, depends=depends, verdict=verdict
    )


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
    name = layer or last_spatial_layer(network, images)
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


def _verdict(similarity: NDArray[np.float64]) -> tuple[bool | None, str]:
    known = similarity[np.isfinite(similarity)]
    if known.size == 0:
        return None, "cannot be told: the maps are the same everywhere once the weights are randomised"
    mean = float(known.mean())
    figures = f"rank correlation {mean:.2f} with the maps of random weights"
    if known.size < similarity.size:
        figures += f" ({known.size} of {similarity.size}; the others are the same everywhere)"
    if mean >= _UNCHANGED_FROM:
        return False, f"the maps hardly depend on what the network learned: {figures}"
    return True, f"the maps depend on what the network learned: {figures}"
