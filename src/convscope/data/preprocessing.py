"""What is done to every image, always: fit to size, scale to 0-1, centre.

The same object travels with the network from training to production, so that no path can differ from another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from convscope.config.asked import Centre, Fit
from convscope.data.dataset import Images
from convscope.errors import DataError

_MOST_VALUES = 1 << 21
"""Values measured at a time: they fit into a CPU's cache (2.1 ms an image of 224 px became 0.2)."""
_MOST_IMAGES = 256
"""Images measured at a time: so many squares of 255 can be added in float32 without rounding."""


def fit_image(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Bring an image to `size` = (height, width).

    `crop` keeps the largest centred part that has the wanted shape, `squash` changes the aspect ratio, `pad`
    keeps everything and fills the rest with black. Antialiased when it shrinks.
    """
    height, width = size
    if image.size == (width, height):
        return image
    if fit == "squash":
        return image.resize((width, height), Image.Resampling.BICUBIC)
    if fit == "crop":
        box = _centre_box(image.width, image.height, width / height)
        return image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    scale = min(width / image.width, height / image.height)
    inner_width = max(1, round(image.width * scale))
    inner_height = max(1, round(image.height * scale))
    canvas = Image.new(image.mode, (width, height))
    inner = image.resize((inner_width, inner_height), Image.Resampling.BICUBIC)
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def discarded_share(width: int, height: int, size: tuple[int, int], fit: Fit) -> float:
    """Share of a `width` × `height` image's area that `fit` throws away: 0 unless it crops."""
    if fit != "crop":
        return 0.0
    left, top, right, bottom = _centre_box(width, height, size[1] / size[0])
    return 1.0 - (right - left) * (bottom - top) / (width * height)


def _centre_box(width: int, height: int, aspect: float) -> tuple[float, float, float, float]:
    """The largest centred box of the given aspect ratio (width / height): left, top, right, bottom."""
    box_width = min(float(width), height * aspect)
    box_height = min(float(height), width / aspect)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return left, top, left + box_width, top + box_height


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """Fit, scale and centre. Everything that the network's input depends on, besides the pixels.

    Attributes:
        height, width: what the network sees, in pixels.
        channels: 1 (grey) or 3 (RGB).
        fit: how an image of another shape becomes one.
        mean: subtracted after scaling to 0-1; (C, 1, 1), or (C, H, W) for a mean image.
        std: divided by; (C, 1, 1).
        mirrored: the network is asked for the mirror image, too, and the outputs are averaged.
    """

    height: int
    width: int
    channels: int
    fit: Fit = "crop"
    mean: Tensor = field(default_factory=lambda: torch.zeros(1, 1, 1))
    std: Tensor = field(default_factory=lambda: torch.ones(1, 1, 1))
    mirrored: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width

    def standardise(self, images: Tensor, *, in_place: bool = False) -> Tensor:
        """Uint8 or float 0-1 `(N, C, H, W)` -> float32 `(N, C, H, W)` as the network expects it.

        With `in_place` floats are overwritten: for those that nobody else needs. The channels lie next to
        each other in memory, which convolutions run through up to 1.4 times as fast on a CPU
        (benchmarks/speed.py).
        """
        pixels = images.permute(0, 2, 3, 1)  # (N, H, W, C)
        if images.dtype == torch.uint8:
            pixels = pixels.contiguous().float().div_(255)
        else:
            pixels = pixels.contiguous() if in_place else pixels.clone(memory_format=torch.contiguous_format)
        # Along whole rows: with the channels an axis of their own, each stretch would be three values long.
        rows = pixels.flatten(2)  # (N, H, W * C)
        mean, std = self._along_rows(images.device)
        rows.sub_(mean).div_(std)
        return pixels.permute(0, 3, 1, 2)

    def _along_rows(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean and deviation, `(1 or C, 1, 1)` or `(C, H, W)` -> `(1 or H, W * C)`; kept for each device."""
        known: dict[torch.device, tuple[Tensor, Tensor]] = self.__dict__.setdefault("_known_rows", {})
        if device not in known:
            mean, std = (
                values.to(device).expand(self.channels, -1, self.width).permute(1, 2, 0).flatten(1)
                for values in (self.mean, self.std)
            )
            known[device] = (mean, std)
        return known[device]

    def unstandardise(self, images: Tensor) -> Tensor:
        """The inverse of `standardise`: float32 `(N, C, H, W)`, 0-1 for real images."""
        return images * self.std.to(images.device) + self.mean.to(images.device)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "fit": self.fit,
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "mirrored": self.mirrored,
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Preprocessing:
        """The inverse of `to_dict`, bit for bit; `mirrored` came later, and older runs are without."""
        tensors = {name: torch.tensor(values[name], dtype=torch.float32) for name in ("mean", "std")}
        return Preprocessing(**{**values, **tensors})


def measure_preprocessing(images: Images, *, fit: Fit, centre: Centre, scale: bool) -> Preprocessing:
    """Preprocessing for a training split, uint8 `(N, C, H, W)`: its mean and, with `scale`, its deviation.

    Sums are exact, whatever the order and the threads, and taken a few images at a time, so that a mapped
    split is never loaded whole.

    Raises:
        DataError: when there is no image to measure.
    """
    if len(images) == 0:
        raise DataError("the training split is empty; there is nothing to measure a mean on")
    _, channels, height, width = images.shape
    total = torch.zeros(channels, height, width, dtype=torch.float64)
    squares = torch.zeros(channels, dtype=torch.float64)
    step = min(_MOST_IMAGES, max(1, _MOST_VALUES // images[0].numel()))
    for start in range(0, len(images), step):
        values = images[start : start + step].float()
        total += values.sum(0).cpu()
        squares += values.square_().sum(0).sum((1, 2), dtype=torch.float64).cpu()
    mean_image = total / (255 * len(images))
    mean = mean_image.mean((1, 2))
    deviation = squares / (255**2 * len(images) * height * width) - mean.square()
    deviation = deviation.clamp(min=1e-12).sqrt()
    centres = {
        "none": torch.zeros(channels, 1, 1),
        "channel": mean.view(-1, 1, 1),
        "image": mean_image,
    }
    return Preprocessing(
        height=height,
        width=width,
        channels=channels,
        fit=fit,
        mean=centres[centre].float(),
        std=(deviation.view(-1, 1, 1) if scale else torch.ones(channels, 1, 1)).float(),
    )
