"""Which pixels a class score rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import UsageError
from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.class_evidence.classes import chosen_classes
from convscope.inspection.layers import check_images


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients:
    """How much each pixel adds to a class score, against a baseline image.

    pixels: (N, C, H, W), in logits. maps: (N, H, W), summed over the channels. completeness_error: (N,),
    the sum over the pixels minus (score of the image − score of the baseline), in logits; more steps make
    it smaller. score_change: (N,), that difference of scores.
    """

    classes: NDArray[np.int64]
    pixels: NDArray[np.float32]
    maps: NDArray[np.float32]
    score_change: NDArray[np.float32]
    completeness_error: NDArray[np.float32]
    steps: int


@dataclass(frozen=True, kw_only=True)
class OcclusionMaps:
    """How far a class score falls when a window of the image is covered.

    maps: (N, H, W), in logits, the mean over the windows that cover a pixel; positive where the pixel
    speaks for the class.
    """

    classes: NDArray[np.int64]
    maps: NDArray[np.float32]
    window: int
    stride: int


def integrated_gradients(
    network: nn.Module,
    images: Tensor,
    *,
    classes: int | Sequence[int] | None = None,
    baseline: Tensor | float = 0.0,
    steps: int = 32,
    batch_size: int = 8,
) -> IntegratedGradients:
    """Integrate the class score's gradient along the straight line from a baseline to each image.

    Sundararajan, Taly & Yan 2017, by Gauss-Legendre quadrature. `images` is (N, C, H, W), standardised; the
    baseline is a standardised image (C, H, W) or a number, where 0 is the mean colour of the training set.
    """
    check_images(images)
    with borrowed(network):
        images = images.to(device_of(network))
        start = torch.zeros_like(images) + torch.as_tensor(baseline, dtype=images.dtype, device=images.device)
        logits = _logits(network, images, batch_size)
        chosen = chosen_classes(logits, classes)
        before = _logits(network, start, batch_size).gather(1, chosen[:, None])[:, 0]
        change = logits.gather(1, chosen[:, None])[:, 0] - before
        parts = [
            (image - origin) * _mean_gradient(network, (origin, image), int(label), steps, batch_size)
            for image, origin, label in zip(images, start, chosen, strict=True)
        ]
    pixels = torch.stack(parts)
    error = pixels.double().sum(dim=(1, 2, 3)).to(change) - change
    return IntegratedGradients(
        classes=chosen.cpu().numpy(),
        pixels=pixels.cpu().numpy(),
        maps=pixels.sum(1).cpu().numpy(),
        score_change=change.cpu().numpy(),
        completeness_error=error.cpu().numpy(),
        steps=steps,
    )


def _mean_gradient(
    network: nn.Module, ends: tuple[Tensor, Tensor], label: int, steps: int, batch_size: int
) -> Tensor:
    """Return the mean of the score's gradient (C, H, W) between two images (C, H, W)."""
    origin, image = ends
    points, weights = np.polynomial.legendre.leggauss(steps)
    shares = torch.as_tensor((points + 1) / 2, dtype=image.dtype, device=image.device)
    parts = torch.as_tensor(weights / 2, dtype=image.dtype, device=image.device)
    total = torch.zeros_like(image)
    for share, part in zip(torch.split(shares, batch_size), torch.split(parts, batch_size), strict=True):
        between = (origin + share[:, None, None, None] * (image - origin)).requires_grad_(True)
        (gradients,) = torch.autograd.grad(network(between)[:, label].sum(), between)
        total += (part[:, None, None, None] * gradients).sum(0)
    return total


def occlusion(
    network: nn.Module,
    images: Tensor,
    *,
    classes: int | Sequence[int] | None = None,
    window: int | None = None,
    stride: int | None = None,
    baseline: Tensor | float = 0.0,
    batch_size: int = 64,
) -> OcclusionMaps:
    """Cover a square window at a time and note how far the class score falls: Zeiler & Fergus 2013.

    `images` is (N, C, H, W), standardised. The window is a fifth of the shorter side unless given, the
    stride half the window; a last window that would stick out is cut at the border. What covers is the
    baseline: a standardised image (C, H, W) or a number, where 0 is the mean colour of the training set.
    """
    check_images(images)
    height, width = images.shape[-2:]
    size = max(1, min(height, width) // 5) if window is None else window
    step = max(1, size // 2) if stride is None else stride
    if not 1 <= size <= min(height, width) or not 1 <= step <= size:
        raise UsageError(
            f"window {size} and stride {step} do not fit an image of {height}×{width}: "
            "the window must lie within it, and the stride must not leave gaps"
        )
    windows = list(_windows(height, width, size, step))
    with borrowed(network), torch.no_grad():
        images = images.to(device_of(network))
        cover = torch.zeros_like(images[0]) + torch.as_tensor(
            baseline, dtype=images.dtype, device=images.device
        )
        logits = _logits(network, images, batch_size)
        chosen = chosen_classes(logits, classes)
        scores = logits.gather(1, chosen[:, None])[:, 0]
        maps = []
        for image, label, score in zip(images, chosen, scores, strict=True):
            falls = []
            for start in range(0, len(windows), batch_size):
                covered = _covered(image, cover, windows[start : start + batch_size])
                falls.append(score - network(covered)[:, label])
            maps.append(_mean_fall(torch.cat(falls).cpu(), windows, (height, width)))
    return OcclusionMaps(
        classes=chosen.cpu().numpy(), maps=torch.stack(maps).numpy(), window=size, stride=step
    )


def _windows(height: int, width: int, size: int, step: int) -> Iterator[tuple[slice, slice]]:
    for top in _starts(height, size, step):
        for left in _starts(width, size, step):
            yield slice(top, top + size), slice(left, left + size)


def _starts(length: int, size: int, step: int) -> range:
    """Return where windows start so that every pixel is covered at least once."""
    return range(0, length - size + step, step)


def _covered(image: Tensor, cover: Tensor, windows: Sequence[tuple[slice, slice]]) -> Tensor:
    copies = image.repeat(len(windows), 1, 1, 1)
    for copy, (rows, columns) in zip(copies, windows, strict=True):
        copy[:, rows, columns] = cover[:, rows, columns]
    return copies


def _mean_fall(falls: Tensor, windows: Sequence[tuple[slice, slice]], shape: tuple[int, int]) -> Tensor:
    total, count = torch.zeros(shape), torch.zeros(shape)
    for fall, (rows, columns) in zip(falls, windows, strict=True):
        total[rows, columns] += fall
        count[rows, columns] += 1
    return total / count


def _logits(network: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(batch) for batch in torch.split(images, batch_size)])
