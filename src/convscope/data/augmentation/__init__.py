"""What is done at random, to training images only: on whole batches, on the device, from (seed, step)."""

from convscope.data.augmentation.pipeline import Augmentation
from convscope.data.augmentation.text import PRESETS, parse_operations

__all__ = ["PRESETS", "Augmentation", "parse_operations"]
