"""One prediction, step by step: what the report shows of how an answer comes about."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from convscope.classifier.classifier import Classifier
from convscope.data.dataset import ImageSet
from convscope.errors import ConvscopeError
from convscope.evaluation.predictions import Predictions
from convscope.inspection.arithmetic.path import strongest_path
from convscope.inspection.arithmetic.trace import trace_pass


def one_way(
    classifier: Classifier, predictions: Predictions, images: ImageSet, *, split: str
) -> dict[str, Any] | None:
    """The strongest way from a pixel to the answer, for the first image that was answered rightly.

    `split` says what the images were to this classifier.
    None where the network has an operator whose arithmetic is not known, or no image is at hand.
    """
    preprocessing = classifier.preprocessing
    row = _telling_row(predictions)
    if row is None or predictions.ids[row] not in images.ids:
        return None
    pixels = images.images[images.ids.index(predictions.ids[row])]
    try:
        path = strongest_path(trace_pass(classifier.network, preprocessing.standardise(pixels[None])))
    except ConvscopeError:
        return None
    return {
        "image": predictions.ids[row],
        "split": split,
        "png": _png(np.asarray(pixels.numpy(), dtype=np.uint8)),
        "mean": preprocessing.mean.mean(dim=(1, 2)).expand(preprocessing.channels).tolist(),
        "std": preprocessing.std.flatten().expand(preprocessing.channels).tolist(),
        "mirrored": preprocessing.mirrored,
        **path.to_dict(),
    }


def _telling_row(predictions: Predictions) -> int | None:
    """The first image answered rightly; of numbers the first."""
    if predictions.is_regression:
        return 0 if len(predictions.labels) else None
    right = np.flatnonzero(predictions.predicted == predictions.labels)
    return int(right[0]) if len(right) else None


def _png(pixels: np.ndarray) -> str:
    """Pixels (C, H, W) as the text of a PNG."""
    file = io.BytesIO()
    shown = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(shown)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
