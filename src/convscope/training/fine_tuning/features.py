"""Features of a frozen backbone, computed once per image and kept in the cache.

Folds, seeds, runs and candidates all ask for the same ones. What an image's features depend on is its key:
its pixels as the network gets them (so its content, size, fit and reading, and whether it is a mirror image),
the preprocessing that follows, and the backbone's weights.
"""

import contextlib
import hashlib
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.classifier.backbone import head_layer
from convscope.classifier.standardising import preprocessing_for
from convscope.config.length import TimeBudget
from convscope.config.resolved import ResolvedExperiment
from convscope.data.dataset import ImageRows
from convscope.data.loading import Features
from convscope.data.pixels.cache import FEATURES, Write, keys_of, read_entry, write_entry
from convscope.data.pixels.reading import content_hash
from convscope.data.preprocessing import Preprocessing
from convscope.data.survey import Survey
from convscope.errors import UsageError
from convscope.networks.build import build_network
from convscope.networks.pretrained import is_pretrained
from convscope.training.fine_tuning.head import compute_features
from convscope.training.progress import Choice

IMAGES_A_SECOND = 30
"""Of a time budget: with more, there would be no time for the features of images that are not trained on."""

TIMED, WARM_UP = 32, 4
"""Images, to see how long the features of one take, and those that pass before them."""


def find_features(network: nn.Module, preprocessing: Preprocessing, images: ImageRows) -> Tensor:
    """What the head sees: float32 `(N, F)`, on the CPU; computed for images that were never seen alone."""
    prefix, hashes = _prefix(network, preprocessing), _hashes(images)
    found = _read(prefix, set(hashes))
    missing = {digest: row for row, digest in enumerate(hashes) if digest not in found}
    if missing:
        computed = compute_features(network, preprocessing, images.take(torch.tensor(list(missing.values()))))
        found |= dict(zip(missing, computed, strict=True))
        with contextlib.suppress(OSError):  # on a full disk they are computed again, and that is all
            _write(prefix, list(missing), computed)
    if not hashes:
        return torch.empty(0, head_layer(network).in_features)
    return torch.stack([found[digest] for digest in hashes])


def seconds_to_find(network: nn.Module, preprocessing: Preprocessing, images: ImageRows) -> float:
    """What `find_features` will take, from a few of the images: 0 where those are kept already.

    The others are computed here, untimed first and then timed: what the cache gives in no time says nothing
    of what it has to be given.
    """
    few = images.take(slice(None, None, -(-len(images) // TIMED) or 1))
    hashes = _hashes(few)
    kept = _read(_prefix(network, preprocessing), set(hashes))
    missing = [row for row, digest in enumerate(hashes) if digest not in kept]
    if not missing:
        return 0.0
    compute_features(network, preprocessing, few.take(torch.tensor(missing[:WARM_UP])))
    begun = time.perf_counter()
    compute_features(network, preprocessing, few.take(torch.tensor(missing)))
    return (time.perf_counter() - begun) / len(few) * len(images)


def head_outputs(network: nn.Module, preprocessing: Preprocessing, images: ImageRows) -> Tensor:
    """What the network says of images, `(N, num_outputs)` on the CPU, from their features."""
    return outputs_of_features(network, find_features(network, preprocessing, images))


def outputs_of_features(network: nn.Module, features: Tensor) -> Tensor:
    """What the head makes of features `(N, F)`: `(N, num_outputs)` on the CPU."""
    layer = head_layer(network)
    with torch.inference_mode():
        outputs: Tensor = layer(features.to(layer.weight.device))
    return outputs.float().cpu()


def backbone_features(config: ResolvedExperiment, device: torch.device) -> Features | None:
    """What the pretrained backbone makes of images, to find series by before they are divided.

    The head is fitted on the same features, which wait for it in the cache. None without such a backbone.
    """
    if not is_pretrained(config.network.name):
        return None

    def features(images: ImageRows) -> NDArray[np.float32]:
        preprocessing = preprocessing_for(config, images)
        network = build_network(
            config.network,
            in_channels=preprocessing.channels,
            image_size=preprocessing.size,
            num_classes=2,
            seed=config.seed,
        )
        network = network.to(device).to(memory_format=torch.channels_last)
        try:
            return find_features(network, preprocessing, images).numpy()
        except UsageError:  # its head is no linear layer: what it sees is not known
            return np.zeros((len(images), 1), dtype=np.float32)

    return features


def features_for_series(
    config: ResolvedExperiment, overview: Survey, device: torch.device
) -> tuple[Features | None, list[Choice]]:
    """As `backbone_features`; None where a time budget is too short for all images, and what is told then."""
    features, data, length = backbone_features(config, device), config.data, config.training.length
    has_time = not isinstance(length, TimeBudget) or overview.count <= IMAGES_A_SECOND * length.seconds
    if features is None or has_time:
        return features, []
    if not data.series or data.group_by is not None or (overview.split_counts and data.folds is None):
        return None, []
    reason = (
        f"{config.training.time} is too short to compare {overview.count:,} images: where several show one "
        "thing, figures are too good. Give it more time, or --group-by"
    )
    return None, [Choice("series", "not looked for", reason)]


def _prefix(network: nn.Module, preprocessing: Preprocessing) -> str:
    """What the keys of all features of this backbone begin with."""
    return f"{FEATURES}{_fingerprint(network, preprocessing)}-"


def _hashes(images: ImageRows) -> list[str]:
    """Of each image's pixels, as they are read."""
    return [content_hash(images[row].numpy().tobytes()) for row in range(len(images))]


def _fingerprint(network: nn.Module, preprocessing: Preprocessing) -> str:
    """Of all that is done to pixels before the head, and where."""
    digest, head = hashlib.blake2b(digest_size=10), head_layer(network)
    digest.update(repr((preprocessing.mean.tolist(), preprocessing.std.tolist())).encode())
    digest.update(next(network.parameters()).device.type.encode())
    for name, module in network.named_modules():
        if module is head:
            continue
        if not any(module.children()):
            digest.update(f"{name} {module}".encode())
        for values in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            digest.update(values.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()


def _read(prefix: str, wanted: set[str]) -> dict[str, Tensor]:
    """Those of the wanted that are kept, by the hash of their pixels."""
    found: dict[str, Tensor] = {}
    for key in keys_of(prefix):
        entry = read_entry(key)
        if entry is not None:
            rows = torch.from_numpy(entry.images).view(torch.float32)
            hashes = [digest.decode() for digest in entry.known[0].tolist()]
            found |= {digest: row for digest, row in zip(hashes, rows, strict=True) if digest in wanted}
    return found


def _write(prefix: str, hashes: list[str], features: Tensor) -> None:
    rows, names = features.numpy(), np.array(hashes, dtype=np.bytes_)

    def fill(write: Write) -> list[NDArray[Any]]:
        for row, values in enumerate(rows):
            write(row, values.view(np.uint8))
        return [names]

    key = prefix + content_hash(names.tobytes())
    write_entry(key, len(rows), (rows[0].nbytes,), fill)
