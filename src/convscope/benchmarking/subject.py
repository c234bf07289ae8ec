"""From what a user names to the network that is timed."""

from pathlib import Path

from torch import nn

from convscope.classifier.classifier import Classifier
from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network
from convscope.networks.catalogue import usual_image_shape, usual_num_classes
from convscope.runs.folder import DESCRIPTION


def subject_network(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    """A network and the shape of its images: a run's, or one of the catalogue or timm with random weights.

    Raises:
        UsageError: for a name that is no network.
        RunError: for a run without a classifier.
    """
    if (Path(name) / DESCRIPTION).is_file():
        classifier = Classifier.load(name)
        preprocessing = classifier.preprocessing
        height, width = preprocessing.size
        return classifier.network, (preprocessing.channels, height, width)
    shape = usual_image_shape(name)
    network = build_network(
        NetworkConfig(name=name),
        in_channels=shape[0],
        image_size=shape[1:],
        num_classes=usual_num_classes(shape),
        seed=0,
        pretrained_weights=False,
    )
    return network, shape
