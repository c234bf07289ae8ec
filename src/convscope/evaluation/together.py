"""How sure an accuracy is whose images belong together: exposures of one tile are right or wrong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.data.dataset import ImageSet
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Interval, interval_by_groups
from convscope.wording import some

FEWEST_TOGETHER = 0.2
"""Share of images that stand in a group of several, from which on it is said."""


@dataclass(frozen=True)
class Together:
    """The accuracy on a split's images, by the groups that they stand in.

    Attributes:
        images, groups: how many; an image alone is a group.
        interval: of the accuracy, 95 %, by groups.
    """

    images: int
    groups: int
    interval: Interval

    @property
    def said(self) -> str:
        """One sentence."""
        low, high = (100 * end for end in self.interval)
        these = f"these {some(self.images, 'image')} are {some(self.groups, 'series', 'series')}"
        return f"{these}: counted by series, the 95 % interval is {low:.1f}–{high:.1f}"

    def to_dict(self) -> dict[str, Any]:
        """For the summary."""
        return {
            "images": self.images,
            "series": self.groups,
            "interval": list(self.interval),
            "sentence": self.said,
        }


def judged_together(predictions: Predictions, images: ImageSet) -> Together | None:
    """None where hardly an image belongs to others, for numbers, and where contents are not known."""
    if predictions.is_regression or len(predictions.hashes) != len(predictions) or not images.clusters:
        return None
    group_of = dict(zip(images.hashes, images.clusters, strict=True))
    if not set(predictions.hashes) <= set(group_of):
        return None
    groups = np.array([group_of[content] for content in predictions.hashes])
    _, counts = np.unique(groups, return_counts=True)
    if counts[counts > 1].sum() < FEWEST_TOGETHER * len(groups):
        return None
    right = predictions.predicted == predictions.labels
    return Together(len(groups), len(counts), interval_by_groups(right, groups))
