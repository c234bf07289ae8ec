"""How sure an accuracy is whose images belong together: exposures of one tile are right or wrong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def judged_together(predictions: Predictions) -> Together | None:
    """None where hardly an image belongs to others, where that was not kept, and for numbers."""
    groups = predictions.groups
    if predictions.is_regression or groups is None or not are_together(groups):
        return None
    right = predictions.predicted == predictions.labels
    return Together(len(groups), len(np.unique(groups)), interval_by_groups(right, groups))


def are_together(groups: NDArray[np.int64]) -> bool:
    """Whether so many images stand in groups of several that figures must not take each for itself."""
    _, counts = np.unique(groups, return_counts=True)
    return bool(counts[counts > 1].sum() >= FEWEST_TOGETHER * max(1, len(groups)))
