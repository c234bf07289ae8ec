"""The patches of a data set that excite each unit of a layer most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.errors import ConvscopeError, UsageError
from convscope.inspection.borrowing import borrowed
from convscope.inspection.image_batches import Images, Standardise, in_batches
from convscope.inspection.layers import LayerTaps
from convscope.networks.following.receptive_fields import ReceptiveField, followed_fields

_MOST_KEPT_BYTES = 512 * 2**20


@dataclass(frozen=True, kw_only=True)
class TopPatches:
    """The k strongest responses of U units, at most one from each image, strongest first.

    units: (U,). values, image_indices: (U, k), the unit's output and the image's number in the data set.
    positions: (U, k, 2), row and column in the layer's output.
    boxes: (U, k, 4), the receptive field in the image as top, left, bottom, right, cut at the border.
    padding: (U, k, 4), how many pixels of the field lie outside the image on these four sides.
    seen: how many images were looked at. A value of 0 or less means that nothing excites the unit.
    """

    layer: str
    units: NDArray[np.int64]
    values: NDArray[np.float32]
    image_indices: NDArray[np.int64]
    positions: NDArray[np.int64]
    boxes: NDArray[np.int64]
    padding: NDArray[np.int64]
    field: ReceptiveField
    seen: int
    kept: dict[int, Tensor]
    """The uint8 images (C, H, W) that the patches are cut from, by their number in the data set."""

    def image(self, row: int, rank: int) -> Tensor:
        """Return the whole uint8 image (C, H, W) of a patch."""
        return self.kept[int(self.image_indices[row, rank])]

    def patch(self, row: int, rank: int) -> NDArray[np.uint8]:
        """Return a patch, uint8 (C, h, w), of the unit in this row (not its number)."""
        top, left, bottom, right = self.boxes[row, rank]
        return np.asarray(self.image(row, rank)[:, top:bottom, left:right].numpy())


def top_patches(
    network: nn.Module,
    layer: str,
    images: Images,
    standardise: Standardise,
    *,
    units: Sequence[int] | None = None,
    count: int = 9,
    batch_size: int = 64,
) -> TopPatches:
    """Find the patches that excite each unit most: `top_patches_of_layers` for one layer."""
    found = top_patches_of_layers(
        network, {layer: units}, images, standardise, count=count, batch_size=batch_size
    )
    return found[layer]


def top_patches_of_layers(
    network: nn.Module,
    layers: Mapping[str, Sequence[int] | None],
    images: Images,
    standardise: Standardise,
    *,
    count: int = 9,
    batch_size: int = 64,
) -> dict[str, TopPatches]:
    """Find the `count` patches that excite each unit most: one pass for all layers, Zeiler & Fergus 2013.

    `layers` maps a layer to its units of interest, None for all. `images` are uint8, all of one size; a
    stream is read once. Each image counts once for a unit, with its strongest place; of equal places the
    first (row by row), of equal images the earlier one.

    Beyond the network's own, memory is needed only for one batch, k numbers for each unit, and, for a
    stream, the images that are among the k at the moment (at most 512 MiB: beyond that UsageError asks for
    fewer units).

    Raises ConvscopeError where the receptive field of a layer is not known.
    """
    leaders: dict[str, _Leaders] = {}
    kept: dict[int, Tensor] = {}
    seen = 0
    shape: tuple[int, ...] = ()

    def compete(layer: str, output: Tensor) -> None:
        if layer not in leaders:
            leaders[layer] = _Leaders(_checked(layers[layer], output.shape[1], layer), count)
        leaders[layer].add(output, seen)

    with borrowed(network), torch.no_grad():
        taps = LayerTaps(network, list(layers))
        for batch in in_batches(images, batch_size):
            if shape and tuple(batch.shape[1:]) != shape:
                raise UsageError(
                    f"all images must have one size: {shape} and {tuple(batch.shape[1:])} differ"
                )
            shape = tuple(batch.shape[1:])
            taps.run(standardise(batch), compete)
            if not isinstance(images, Tensor):
                _keep(kept, batch, seen, _indices(leaders))
            seen += len(batch)
    if isinstance(images, Tensor):
        kept = {index: images[index] for index in _indices(leaders)}
    fields = _fields(network, list(layers), (shape[0], shape[1], shape[2]))
    return {layer: _result(layer, leaders[layer], fields[layer], kept, seen) for layer in layers}


def _result(
    layer: str, leaders: "_Leaders", field: ReceptiveField, kept: dict[int, Tensor], seen: int
) -> TopPatches:
    boxes, padding = _boxes(field, leaders.positions.numpy())
    return TopPatches(
        layer=layer,
        units=leaders.units.numpy(),
        values=leaders.values.numpy(),
        image_indices=leaders.image_indices.numpy(),
        positions=leaders.positions.numpy(),
        boxes=boxes,
        padding=padding,
        field=field,
        seen=seen,
        kept=kept,
    )


def _indices(leaders: "dict[str, _Leaders]") -> set[int]:
    """Return the numbers of all images that lead anywhere."""
    return {index for some in leaders.values() for index in torch.unique(some.image_indices).tolist()}


class _Leaders:
    """The strongest responses so far: k for each unit, sorted."""

    def __init__(self, units: Tensor, count: int) -> None:
        self.units = units  # (U,)
        self._count = count
        self.values = torch.empty(len(units), 0)  # this and the others: (U, up to k)
        self.image_indices = torch.empty(len(units), 0, dtype=torch.int64)
        self.positions = torch.empty(len(units), 0, 2, dtype=torch.int64)

    def add(self, output: Tensor, first_index: int) -> None:
        """Let a batch's output (N, units, …) compete; its images are numbered from `first_index`."""
        maps = output if output.ndim == 4 else output.reshape(*output.shape[:2], 1, -1)
        width = maps.shape[3]
        flat = maps[:, self.units.to(maps.device)].flatten(2)  # (N, U, h · w)
        place = flat.argmax(2)  # of equal values the first
        value = flat.gather(2, place[:, :, None])[:, :, 0].float().cpu().T  # (U, N)
        place = place.cpu().T
        index = torch.arange(first_index, first_index + len(output)).expand_as(place)
        values = torch.cat([self.values, value], dim=1)
        # A stable sort leaves the earlier image, which stands further left, ahead of its equals.
        order = values.argsort(dim=1, descending=True, stable=True)[:, : self._count]
        self.values = values.gather(1, order)
        self.image_indices = torch.cat([self.image_indices, index], dim=1).gather(1, order)
        places = torch.stack([place // width, place % width], dim=2)
        positions = torch.cat([self.positions, places], dim=1)
        self.positions = positions.gather(1, order[:, :, None].expand(-1, -1, 2))


def _checked(units: Sequence[int] | None, available: int, layer: str) -> Tensor:
    if units is None:
        return torch.arange(available)
    wrong = [unit for unit in units if not 0 <= unit < available]
    if wrong or not units:
        raise UsageError(f"layer {layer} has units 0 to {available - 1}; {list(units)} was asked for")
    return torch.tensor(units, dtype=torch.int64)


def _keep(kept: dict[int, Tensor], batch: Tensor, first_index: int, wanted: set[int]) -> None:
    """Keep the images that lead somewhere; forget those that no longer do."""
    for index in kept.keys() - wanted:
        del kept[index]
    for index in wanted - kept.keys():
        kept[index] = batch[index - first_index].clone()
    if len(kept) * batch[0].nbytes > _MOST_KEPT_BYTES:
        raise UsageError(
            f"the patches need more than {_MOST_KEPT_BYTES // 2**20} MiB of images: ask for fewer units"
        )


def _fields(
    network: nn.Module, layers: Sequence[str], image_shape: tuple[int, int, int]
) -> dict[str, ReceptiveField]:
    """Return the layers' receptive fields; one that is lost further up does no harm to those below."""
    followed = followed_fields(network, image_shape)
    fields: dict[str, ReceptiveField] = {}
    for layer in layers:
        field = followed.get(layer)
        if not isinstance(field, ReceptiveField):
            reason = "it does not depend on the image" if field is None else field.reason
            raise ConvscopeError(
                f"the receptive field of layer {layer} is not known, so its patches cannot be cut: {reason}. "
                "Choose a layer before it"
            )
        fields[layer] = field
    return fields


def _boxes(
    field: ReceptiveField, positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the boxes (U, k, 4), cut at the border, and what was cut off on each side (U, k, 4)."""
    start = np.asarray(field.offset) + positions * np.asarray(field.stride)  # (U, k, 2)
    whole = np.concatenate([start, start + np.asarray(field.size)], axis=2)
    limit = np.asarray(field.image_size * 2)
    boxes = np.clip(whole, 0, limit)
    return boxes.astype(np.int64), np.abs(boxes - whole).astype(np.int64)
