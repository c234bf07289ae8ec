"""Which layers give maps: units, and for each of them rows and columns of the image, in this order."""

from dataclasses import dataclass

from torch import Tensor, nn

from convscope.networks.following.image_tracking import ImageTracker
from convscope.networks.following.shapes import blank_images, visit_layers


@dataclass(frozen=True, kw_only=True)
class LayerOutput:
    """What a layer gives for one image.

    Attributes:
        shape: without the batch axis.
        is_map: whether its last two axes are rows and columns of the image. Of three axes they need not be: a
            Swin transformer's units come last, and the tokens of another have none.
    """

    shape: tuple[int, ...]
    is_map: bool

    @property
    def looks_like_map(self) -> bool:
        """Whether it has three axes, the last two larger than 1×1."""
        return len(self.shape) == 3 and self.shape[1] * self.shape[2] > 1


def layer_outputs(network: nn.Module, image_shape: tuple[int, int, int]) -> dict[str, LayerOutput]:
    """By name, in the order in which they last return; the network's own output is left out.

    Raises:
        UsageError: the network cannot take images `(C, H, W)` of this shape.
    """
    outputs: dict[str, LayerOutput] = {}
    images = blank_images(network, image_shape)
    tracker = ImageTracker(images)

    def visit(name: str, module: nn.Module, output: Tensor) -> None:
        place = tracker.place(output)
        outputs.pop(name, None)
        outputs[name] = LayerOutput(
            shape=tuple(output.shape[1:]),
            is_map=output.ndim == 4 and len(output) == 1 and place is not None and place.axes == (-2, -1),
        )

    visit_layers(network, images, visit, tracker)
    outputs.pop("", None)
    return outputs
