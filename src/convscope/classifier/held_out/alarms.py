"""How many images like those of training are called unknown all the same."""

import math

FALSE_ALARMS, MOST_FALSE_ALARMS = 0.01, 0.05
"""Of images like those of training, so many are called unknown. With fewer than 99 images held out it is one
in n + 1; with fewer than 19 that would be too many, and none is."""


def false_alarms_by(images: int) -> float:
    """Which share of images like those of training is called unknown by so many images held out."""
    share = max(1, math.floor(FALSE_ALARMS * (images + 1))) / (images + 1)
    return share if share <= MOST_FALSE_ALARMS else 0.0
