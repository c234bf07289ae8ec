"""Weights between those of the fitted head and those of fine-tuning (Wortsman et al. 2022, "WiSE-FT").

Both networks begin at the same pretrained weights, and the loss between them is often lower than at either
end: what few images taught the later stages is kept, and what they made worse is halved.
"""

from pathlib import Path

import torch
from torch import Tensor

from convscope.runs.checkpoint_names import BLEND, EARLIER, FINAL, HEAD, read_names
from convscope.runs.checkpoints import Checkpoint, find_checkpoint, read_network, read_state, save_weights

SHARE = 0.75
"""Of the fine-tuned weights. The source recommends a half where nothing is measured; over five folds of 332
photos of cats and three of 584 of fruit a half has a calibrated log loss of 0.239 and 0.134, three quarters
0.238 and 0.113, and more images right on both."""


def blend(head: dict[str, Tensor], tuned: dict[str, Tensor], share: float = SHARE) -> dict[str, Tensor]:
    """`head + share · (tuned - head)` of every weight; what is counted, not weighed, is as tuned."""
    return {
        name: torch.lerp(head[name], values, share) if values.is_floating_point() else values
        for name, values in tuned.items()
    }


def has_fitted_head(folder: Path) -> bool:
    """Whether a run's checkpoints hold the head that fine-tuning began at."""
    return HEAD in read_names(folder)


def save_blended(folder: Path, tuned: str) -> Path:
    """Write the blend of a run's fitted head and a fine-tuned checkpoint beside them, as `blend`.

    Raises:
        RunError: one of the two cannot be read, or the disk refuses.
    """
    head, path = find_checkpoint(folder, HEAD), find_checkpoint(folder, tuned)
    weights = blend(read_network(head), read_network(path))
    return save_weights(folder, BLEND, Checkpoint(step=int(read_state(path)["step"]), network=weights))


def save_earlier(folder: Path) -> None:
    """Write what a finished run keeps once more, as `earlier`: it goes on, and may come to worse. The fitted
    head stays where it is.

    Raises:
        RunError: it cannot be read, or the disk refuses.
    """
    path = find_checkpoint(folder, FINAL)
    if path == find_checkpoint(folder, HEAD):
        return
    kept = Checkpoint(step=int(read_state(path)["step"]), network=read_network(path))
    save_weights(folder, EARLIER, kept)
