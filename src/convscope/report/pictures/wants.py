"""What units and classes would like to see, drawn."""

import numpy as np
import torch
from torch import Tensor

from convscope.diagnosis import pictures as rules
from convscope.looking.wants import SeenWants
from convscope.report.pictures.answer import Answer, file_name, together
from convscope.report.pictures.grids import TILE, image_grid
from convscope.report.pictures.notebook import Picture
from convscope.wording import some

_LARGE = 320
"""Pixels of a tile for images in which there is much to see: 160 of them in reading."""


def draw_wants(seen: SeenWants) -> Answer:
    """The images side by side, faint ones stretched."""
    found, names = seen.found, list(seen.names)
    pixels = np.asarray((_contrasted(seen.pixels) * 255).round().numpy(), dtype=np.uint8)
    name, title, question, heading = _words(seen)
    side = _LARGE if pixels.shape[3] > TILE / 2 else TILE
    findings = rules.wants(seen)
    return Answer(
        about="wants",
        name=name,
        title=title,
        question=question,
        findings=findings,
        layer=found.layer,
        picture=Picture(
            array=found.images,
            drawing=image_grid(pixels, names, columns=_columns(len(names), side), heading=heading, side=side),
            alt=f"{some(len(names), 'image')}, made for {', '.join(names)}",
            caption=together(findings),
        ),
        numbers={
            "units": found.units.tolist(),
            "before": found.before.tolist(),
            "after": found.after.tolist(),
        },
    )


def _words(seen: SeenWants) -> tuple[str, str, str, str]:
    """File name, title, question and heading."""
    if seen.of_units:
        layer, units = seen.found.layer, seen.found.units.tolist()
        height, width = seen.found.images.shape[2:]
        return (
            file_name("wants", layer, str(units[0]) if len(units) == 1 else ""),
            f"What the units of {layer} would like to see",
            "Which picture, of the size that a unit sees, would excite it most?",
            f"{layer}: the {height}×{width} pixels that would excite each unit most",
        )
    title = "What would raise the number, and what would lower it"
    raised = "or lower the number"
    if seen.has_classes:
        title, raised = "What each class would like to see", "the score of each class"
    return (
        "wants-classes",
        title,
        "Which image would raise each answer most? It shows what the network goes by.",
        f"An image made to raise {raised}",
    )


def _contrasted(images: Tensor) -> Tensor:
    """Colour images (N, 3, H, W) stretched around their middle, where they are faint; others as they are."""
    if images.shape[1] != 3:
        return images
    distance = images - images.flatten(1).median(1).values[:, None, None, None]
    reach = distance.abs().flatten(1).sort(1).values[:, int(0.998 * distance[0].numel())]
    gain = (0.5 / reach.clamp(min=1e-3)).clamp(min=1)[:, None, None, None]
    return torch.where(gain > 1, 0.5 + gain * distance, images).clamp(0, 1)


def _columns(count: int, side: int) -> int:
    """In one row up to six, else in rows of five; of large ones in rows of three or four."""
    most = 6 if side == TILE else 3
    return min(count, most) if count <= 6 else most - 1 if side == TILE else most + 1
