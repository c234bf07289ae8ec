"""Maps, filters and images as small pictures for a page, exact to the pixel; the page enlarges them."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.report.palette import diverging, sequential
from convscope.report.paper.canvas import picture_of
from convscope.report.pictures.sheets import signed_overlay


def uri(picture: Image.Image) -> str:
    """A picture as a data URI, exact."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def image_uri(pixels: NDArray[np.uint8]) -> str:
    """An image (C, H, W), C being 1 or 3."""
    return uri(picture_of(pixels))


def map_uri(values: NDArray[np.float32], low: float, high: float) -> str:
    """A map (H, W): dark for 0 to yellow for `high`; with negative values blue, white at 0, red."""
    if low < 0:
        return uri(Image.fromarray(diverging(values, max(-low, high))))
    return uri(Image.fromarray(sequential(values, 0.0, high)))


def filter_uri(weights: NDArray[np.float32], limit: float) -> str:
    """A filter: (h, w) in blue and red, or (3, h, w) as a colour, mid-grey being 0."""
    if weights.ndim == 2:
        return uri(Image.fromarray(diverging(weights, limit)))
    levels = np.round(127.5 * (1 + np.clip(weights / (limit or 1.0), -1, 1))).astype(np.uint8)
    return uri(picture_of(levels))


def signal_uri(signal: NDArray[np.float32]) -> str:
    """A projection (C, h, w) around mid-grey, on its own scale."""
    limit = float(np.abs(signal).max(initial=0.0)) or 1.0
    return uri(picture_of(np.round(127.5 * (1 + signal / limit)).astype(np.uint8)))


def heat_uri(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> str:
    """Signed heat (H, W) over an image (C, H, W)."""
    return uri(signed_overlay(pixels, heat))
