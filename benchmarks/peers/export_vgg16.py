"""Write torchvision's VGG-16 as ONNX, for ONNX Runtime and OpenVINO: a batch of 8 photos of 224 pixels.

python benchmarks/peers/export_vgg16.py FOLDER/vgg16.onnx       # with the environment `export`
"""

import sys

import torch
from torchvision.models import vgg16

if __name__ == "__main__":
    torch.onnx.export(
        vgg16().eval(),
        (torch.zeros(8, 3, 224, 224),),
        sys.argv[1],
        input_names=["images"],
        output_names=["logits"],
        dynamo=False,
    )
