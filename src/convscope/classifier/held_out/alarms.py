"""How many images like those of training are called unknown all the same."""

import math

from convscope.wording import some

FALSE_ALARMS, MOST_FALSE_ALARMS = 0.01, 0.05
"""Of images like those of training, so many are called unknown. With fewer than 99 images held out it is one
in n + 1; with fewer than 19 that would be too many, and none is."""
FEWEST_IMAGES = math.ceil(1 / MOST_FALSE_ALARMS) - 1
"""Held out, for any image to be called unknown."""


def false_alarms_by(images: int) -> float:
    """Which share of images like those of training is called unknown by so many images held out."""
    if images < FEWEST_IMAGES:
        return 0.0
    return max(1, math.floor(FALSE_ALARMS * (images + 1))) / (images + 1)


def too_few(images: int) -> str:
    """What is to be said where nothing is called unknown for want of images held out; else empty."""
    if images >= FEWEST_IMAGES:
        return ""
    return f"not asked: {some(images, 'image')} held out, where it takes {FEWEST_IMAGES}"
