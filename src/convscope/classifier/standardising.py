"""By which mean and deviation pixels are standardised before a network learns from them."""

import torch

from convscope.config.resolved import ResolvedExperiment
from convscope.data.dataset import ImageRows
from convscope.data.preprocessing import Preprocessing, measure_preprocessing
from convscope.networks.pretrained import input_normalisation, is_pretrained


def preprocessing_for(config: ResolvedExperiment, images: ImageRows) -> Preprocessing:
    """As training images have them, or as pretrained weights expect them, whatever these photos have.

    Args:
        images: the training images.

    Raises:
        DataError: when there is no image to measure.
    """
    name, asked = config.network.name, config.preprocessing
    if not is_pretrained(name):
        return measure_preprocessing(images, fit=asked.fit, centre=asked.centre, scale=asked.scale)
    _, channels, height, width = images.shape
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in input_normalisation(name, channels))
    return Preprocessing(height, width, channels, asked.fit, mean=mean, std=std)
