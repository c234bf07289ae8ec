"""Top patches projected back to pixels: what in each patch excites the unit."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.image_batches import Standardise
from convscope.inspection.patches.deconvnet import ProjectionMethod, project_to_pixels
from convscope.inspection.patches.top_patches import TopPatches


@dataclass(frozen=True, kw_only=True)
class PatchProjections:
    """One projection for each top patch, cut to the same box.

    pixels: for each of U units k arrays (C, h, w), as large as the patch, in units of the standardised image.
    scale: (U, k), the largest absolute value of each, for a symmetric colour scale.
    """

    method: ProjectionMethod
    patches: TopPatches
    pixels: tuple[tuple[NDArray[np.float32], ...], ...]
    scale: NDArray[np.float32]


def project_patches(
    network: nn.Module,
    patches: TopPatches,
    standardise: Standardise,
    *,
    method: ProjectionMethod = "deconvnet",
    batch_size: int = 16,
) -> PatchProjections:
    """Project every top patch of every unit, many at a time; raises as `project_to_pixels` does."""
    units, count = patches.values.shape
    places = [(row, rank) for row in range(units) for rank in range(count)]
    cut: list[NDArray[np.float32]] = []
    for start in range(0, len(places), batch_size):
        batch = places[start : start + batch_size]
        images: Tensor = torch.stack([patches.image(row, rank) for row, rank in batch])
        projection = project_to_pixels(
            network,
            standardise(images),
            patches.layer,
            [int(patches.units[row]) for row, _ in batch],
            [(int(patches.positions[place][0]), int(patches.positions[place][1])) for place in batch],
            method=method,
            batch_size=batch_size,
        )
        for pixels, place in zip(projection.pixels, batch, strict=True):
            top, left, bottom, right = patches.boxes[place]
            cut.append(pixels[:, top:bottom, left:right].copy())
    scale = np.array([np.abs(pixels).max(initial=0) for pixels in cut], dtype=np.float32)
    return PatchProjections(
        method=method,
        patches=patches,
        pixels=tuple(tuple(cut[row * count : (row + 1) * count]) for row in range(units)),
        scale=scale.reshape(units, count),
    )
