"""How unlike the training images an image is, by what the network makes of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from convscope.classifier.held_out.appearance import Appearance

MOST_IMAGES = 1000
MOST_VALUES = 2_000_000
"""Numbers of two bytes: 4 MB, with fewer images where each has many features."""
OUTSIDE = 0.3
"""What a plain value counts that is as far outside its range as that is wide, in units of the distance."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Some training images as the last layer sees them; an image is as unlike them as it is from the nearest.

    Sun, Ming, Zhu and Li, "Out-of-distribution detection with deep nearest neighbors" (2022): features are
    brought to length one, so that only their direction counts, and the distance to the nearest tells. It was
    chosen among the methods that are measured in benchmarks/unknown.py. What the network is blind to, as good
    ones are to how dark a picture is, is added from the pixels: how far they lie outside what training saw.

    Attributes:
        directions: float32 `(M, F)`, features of training images, each of length one.
        appearance: what the images look like.
    """

    directions: Tensor
    appearance: Appearance

    @staticmethod
    def of(features: Tensor, images: Tensor) -> Familiarity:
        """From training images, uint8 `(M, C, H, W)`, and their features `(M, F)`, some where they are many.

        They are rounded to two bytes as they will be stored, so that a loaded classifier has the same bits.
        """
        most = most_images(features.shape[1])
        if len(features) > most:
            features = features[torch.linspace(0, len(features) - 1, most).long()]
        return Familiarity(F.normalize(features.float()).half().float(), Appearance.of(images))

    def unlikeness(self, features: Tensor, images: Tensor) -> Tensor:
        """From 0, no other than a training image, on: float64 `(N,)`.

        Args:
            features: `(N, F)`, of images
            images: uint8 `(N, C, H, W)`, on the same device.
        """
        values = features.float()
        lengths = values.norm(dim=1).clamp_min_(1e-12)
        nearest = (values @ self.directions.to(values.device).T).amax(1) / lengths
        outside = self.appearance.outside(images)
        return torch.from_numpy(1 - nearest.cpu().numpy().astype(np.float64) + OUTSIDE * outside)


def most_images(num_features: int) -> int:
    """Of how many training images features are kept."""
    return max(1, min(MOST_IMAGES, MOST_VALUES // num_features))
