"""What is done at random, to training images only: on whole batches, on the device, from (seed, step)."""

from convscope.data.augmentation.parse import parse_operations
from convscope.data.augmentation.pipeline import Augmentation
from convscope.data.augmentation.presets import PRESETS

__all__ = ["PRESETS", "Augmentation", "parse_operations"]
