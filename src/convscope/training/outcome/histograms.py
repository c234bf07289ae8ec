"""How each layer's values are spread while training goes on: `histograms.jsonl`, a line for each look."""

from typing import Any

from torch import nn

from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.inspection.signals.histograms import layer_histograms
from convscope.inspection.signals.running_histogram import ValueHistogram

IMAGES = 64


def histogram_record(
    network: nn.Module, preprocessing: Preprocessing, images: Images, step: int
) -> dict[str, Any]:
    """Histograms before each non-linearity and of the logits over some images, uint8 `(N, C, H, W)`.

    The network, its mode and the random state stay as they are.
    """
    found = layer_histograms(network, preprocessing.standardise(images[:IMAGES]))
    return {"step": step, "layers": [_plain(each) for each in (*found.layers, found.logits)]}


def _plain(histogram: ValueHistogram) -> dict[str, Any]:
    return {
        "name": histogram.name,
        "mean": histogram.mean,
        "std": histogram.std,
        "zero_share": histogram.zero_share,
        "edges": histogram.edges.tolist(),
        "counts": histogram.counts.tolist(),
    }
