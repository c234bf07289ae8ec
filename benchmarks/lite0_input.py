"""Which input the packaged EfficientNet-Lite0 weights expect.

    python benchmarks/lite0_input.py cifar10-jpeg/test.zip

The file says nothing of normalisation, colour order, or the epsilon of batch normalisation. CIFAR-10's
classes are sums of ImageNet's: the right input is the one under which most photos get their right name.
"""

import io
import itertools
import sys
import zipfile

import numpy as np
import timm
import torch
from PIL import Image
from torch import Tensor

from convscope.networks.pretrained import read_lite0

IMAGES_PER_CLASS, SIDE = 60, 128
IMAGENET_CLASSES = {
    "airplane": [404, 895],
    "automobile": [436, 468, 511, 609, 627, 656, 661, 717, 751, 817],
    "bird": [*range(7, 25), *range(80, 101), *range(127, 147)],
    "cat": [*range(281, 288)],
    "deer": [351, 352, 353],
    "dog": [*range(151, 269)],
    "frog": [30, 31, 32],
    "horse": [339],
    "ship": [403, 484, 510, 554, 576, 625, 628, 724, 780, 814, 833, 871, 914],
    "truck": [555, 569, 654, 675, 734, 779, 864, 867],
}
NORMALISATIONS = {
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "(x - 127) / 128": ((127 / 255,) * 3, (128 / 255,) * 3),
    "0-1": ((0.0,) * 3, (1.0,) * 3),
}
NETWORKS = {
    "efficientnet_lite0, eps 1e-5": ("efficientnet_lite0", 1e-5),
    "efficientnet_lite0, eps 1e-3": ("efficientnet_lite0", 1e-3),
    "tf_efficientnet_lite0, eps 1e-3": ("tf_efficientnet_lite0", 1e-3),
}


def read_photos(path: str) -> tuple[Tensor, Tensor]:
    images, labels = [], []
    with zipfile.ZipFile(path) as archive:
        for label, name in enumerate(IMAGENET_CLASSES):
            members = [member for member in archive.namelist() if member.startswith(f"{name}/")]
            for member in members[:IMAGES_PER_CLASS]:
                image = Image.open(io.BytesIO(archive.read(member))).convert("RGB")
                images.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)))
                labels.append(label)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255, torch.tensor(labels)


def main() -> None:
    images, labels = read_photos(sys.argv[1])
    belongs = torch.zeros(1000, 10)
    for column, classes in enumerate(IMAGENET_CLASSES.values()):
        belongs[classes, column] = 1
    print("network                          normalisation    order  accuracy  cross-entropy  confidence")
    for (title, (name, eps)), (kind, (mean, std)), order in itertools.product(
        NETWORKS.items(), NORMALISATIONS.items(), ("RGB", "BGR")
    ):
        network = timm.create_model(name, pretrained=False, bn_eps=eps).eval()
        network.load_state_dict(dict(zip(network.state_dict(), read_lite0().values(), strict=True)))
        pixels = images if order == "RGB" else images.flip(1)
        pixels = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        with torch.inference_mode():
            probabilities = torch.cat([network(part).softmax(1) for part in pixels.split(50)])
        of_ten = probabilities @ belongs
        right = (of_ten.argmax(1) == labels).float().mean()
        loss = -(of_ten[range(len(labels)), labels] / of_ten.sum(1)).log().mean()
        confidence = probabilities.amax(1).mean()
        print(
            f"{title:32} {kind:16} {order}    {right:.3f}     {loss:.3f}          {confidence:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
