"""The values of each layer before its non-linearity: whether they explode, vanish, or live."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convscope.inspection.borrowing import borrowed, device_of
from convscope.inspection.image_batches import Images, in_batches
from convscope.inspection.layers import check_images
from convscope.inspection.signals.nonlinearities import NonLinearity
from convscope.inspection.signals.nonlinearity_sites import watched_nonlinearities
from convscope.inspection.signals.running_histogram import RunningHistogram, ValueHistogram


@dataclass(frozen=True, kw_only=True)
class LayerHistograms:
    """Histograms of each layer's values before its non-linearity, in the order of the pass."""

    layers: tuple[ValueHistogram, ...]
    logits: ValueHistogram
    probabilities: ValueHistogram

    @property
    def growth(self) -> float | None:
        """By which factor the standard deviation grows from layer to layer, on average, up to the logits.

        None where there is no layer, or where a deviation is 0 or not finite.
        """
        first, last = (self.layers or (self.logits,))[0].std, self.logits.std
        if not self.layers or not 0 < first < float("inf") or not 0 < last < float("inf"):
            return None
        return float((last / first) ** (1 / len(self.layers)))


def layer_histograms(
    network: nn.Module, images: Images, *, batch_size: int = 64, temperature: float = 1.0
) -> LayerHistograms:
    """Count the values of every layer over standardised images, (N, C, H, W) or a stream of such batches.

    Each image is passed once; memory is needed for one batch and some hundred counts for each layer.
    The probabilities are those of the logits divided by the temperature.
    """
    sites: dict[str, RunningHistogram] = {}
    logits, probabilities = RunningHistogram("logits"), RunningHistogram("probabilities")

    def observe(site: str, call: NonLinearity, output: Tensor) -> None:
        histogram = sites.setdefault(site, RunningHistogram(site, call.name))
        histogram.add(call.values)
        if call.is_rectifier:
            histogram.add_outputs(output)

    with borrowed(network), torch.no_grad():
        for batch in in_batches(images, batch_size):
            check_images(batch)
            with watched_nonlinearities(network, observe):
                output = network(batch.to(device_of(network)))
            logits.add(output)
            probabilities.add((output / temperature).softmax(1))
    return LayerHistograms(
        layers=tuple(histogram.result() for histogram in sites.values()),
        logits=logits.result(),
        probabilities=probabilities.result(),
    )
