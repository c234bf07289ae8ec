"""Units that never fire."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.image_batches import Images, in_batches
from convscope.inspection.layers import check_images
from convscope.inspection.signals.nonlinearities import NonLinearity
from convscope.inspection.signals.nonlinearity_sites import watched_nonlinearities


@dataclass(frozen=True, kw_only=True)
class DeadUnits:
    """The units of one rectified layer that were zero everywhere on all images.

    dead: (units,) bool. firing_share: (units,), the share of images in which a unit fires anywhere. images:
    how many were looked at; a unit that is dead on few images may fire on others.
    """

    layer: str
    dead: NDArray[np.bool_]
    firing_share: NDArray[np.float64]
    images: int

    @property
    def share(self) -> float:
        """The share of dead units, 0 to 1."""
        return float(self.dead.mean())


def dead_units(network: nn.Module, images: Images, *, batch_size: int = 64) -> tuple[DeadUnits, ...]:
    """Look for dead units behind every ReLU, over standardised images.

    The images are (N, C, H, W), or a stream of such batches.

    The result is in the order of the pass, named by the layers that feed the rectifiers; empty if there are
    none.
    """
    fired: dict[str, Tensor] = {}
    seen = 0

    def observe(site: str, call: NonLinearity, output: Tensor) -> None:
        if call.is_rectifier:
            in_image = output.reshape(*output.shape[:2], -1).amax(2) > 0  # (N, units)
            fired[site] = fired.get(site, 0) + in_image.sum(0)

    with borrowed(network), torch.no_grad():
        for batch in in_batches(images, batch_size):
            check_images(batch)
            seen += len(batch)
            with watched_nonlinearities(network, observe):
                network(batch.to(device_of(network)))
    return tuple(
        DeadUnits(
            layer=site,
            dead=(counts == 0).cpu().numpy(),
            firing_share=counts.cpu().numpy() / seen,
            images=seen,
        )
        for site, counts in fired.items()
    )
