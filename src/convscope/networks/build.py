"""From a configuration to a network: the only place where a network meets a config."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from convscope.config.asked import NetworkConfig
from convscope.errors import UsageError
from convscope.networks.catalogue import NetworkEntry, network_entry, network_names
from convscope.networks.following.shapes import output_shapes
from convscope.networks.initialisers import InitialValues, initialise
from convscope.networks.pretrained import build_pretrained, is_pretrained
from convscope.wording import meant, near

_UNITS = (8, 16, 32, 64)
_SIDES = (*range(8, 65, 8), *range(80, 257, 16), *range(288, 609, 32))


def build_network(
    config: NetworkConfig,
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    seed: int,
    pretrained_weights: bool = True,
) -> nn.Module:
    """A network for images `(N, in_channels, *image_size)`, on the CPU, in training mode, not yet trained.

    `num_classes` 1 is a regression output. The same seed gives the same weights, and the global random state
    is not moved. With `pretrained_weights` False a pretrained network is built without fetching its weights,
    for a checkpoint to be loaded into. Raises UsageError for a name that is not known, an option the network
    has not, and an image too small for it; RunError when pretrained weights cannot be had.
    """
    name = config.name
    if name is None:
        raise UsageError(
            f"no network is named; choose one of: {', '.join(network_names())}, pretrained, timm:NAME"
        )
    for field, value in (("in_channels", in_channels), ("num_classes", num_classes)):
        if value < 1:
            raise UsageError(f"{field} = {value}: a network needs at least 1")
    if is_pretrained(name):
        _check_foreign(config)
        network = build_pretrained(
            name,
            num_classes=num_classes,
            in_channels=in_channels,
            seed=seed,
            dropout=config.dropout,
            weights=pretrained_weights,
        )
        return _that_fits(network, name, in_channels, image_size)
    if name.startswith("timm:"):
        network = _timm_network(config, in_channels, num_classes, seed)
        return _that_fits(network, name, in_channels, image_size)
    entry = network_entry(name)
    if entry is None:
        raise _unknown(name)
    _check_options(config, entry)
    _check_size(entry, image_size)
    values = _initial_values(config)
    with torch.device("meta"):  # the layers' own initial weights would be drawn, and thrown away
        network = entry.build(in_channels, image_size, num_classes, **_options(config, entry))
    # As `to_empty` does it; but that asks what a meta tensor is like, for which torch imports sympy: 0.5 s.
    network._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype))  # type: ignore[no-untyped-call]
    initialise(network, values, seed=seed)
    return network


def _options(config: NetworkConfig, entry: NetworkEntry) -> dict[str, Any]:
    """What the network lets choose, of what was chosen."""
    options: dict[str, Any] = {}
    if entry.dropout and config.dropout is not None:
        options["dropout"] = config.dropout
    if entry.has_choice_of_batch_norm:
        options["batch_norm"] = bool(config.batch_norm)
    return options


def _timm_network(config: NetworkConfig, in_channels: int, num_classes: int, seed: int) -> nn.Module:
    """A timm network without a tag: the architecture alone, its weights drawn from the seed."""
    import timm

    _check_foreign(config)
    dropout: dict[str, Any] = {} if config.dropout is None else {"drop_rate": config.dropout}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = timm.create_model(
            (config.name or "").removeprefix("timm:"),
            pretrained=False,
            in_chans=in_channels,
            num_classes=num_classes,
            **dropout,
        )
    return network


def _check_foreign(config: NetworkConfig) -> None:
    """A network that is not the package's own: known to timm, and asked for nothing that it has not."""
    name = config.name or ""
    bare = name.removeprefix("timm:")
    if name.startswith("timm:"):
        import timm  # takes seconds, which a network of the package's own must not wait for

        if not timm.is_model(bare):
            hint = meant(near(bare, timm.list_models()), "all of them:")
            raise UsageError(f"timm has no network {bare!r}; {hint} https://timm.fast.ai")
    if config != type(config)(name=str(config.name), dropout=config.dropout):
        raise UsageError(
            f"{name} has its own initial weights and normalisation: leave out batch_norm and initial…"
        )


def _that_fits(network: nn.Module, name: str, in_channels: int, image_size: tuple[int, int]) -> nn.Module:
    """The network itself, if it takes such images: a foreign one does not say which, so they are tried."""
    failure = _failure(network, in_channels, image_size)
    if failure is None:
        return network
    height, width = image_size
    smaller, larger = (
        next((size for size in sizes if _failure(network, in_channels, size) is None), None)
        for sizes in (_smaller(image_size), _larger(image_size))
    )
    working = [f"{size[0]}×{size[1]}" for size in (smaller, larger) if size is not None]
    works = f"{' and '.join(working)} work{'s' if len(working) == 1 else ''}"
    advice = works if working else "no size works that was tried; take another network"
    raise UsageError(f"{name} cannot take images of {height}×{width}: {advice} ({failure})")


def _failure(network: nn.Module, in_channels: int, image_size: tuple[int, int]) -> str | None:
    """Where and why the network fails on images of this size; None if it does not."""
    try:
        output_shapes(network, (in_channels, *image_size))
    except UsageError as error:
        return str(error).partition(": ")[2]
    return None


def _smaller(image_size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Sizes to try: both sides rounded down to ever rounder numbers, then smaller squares, largest first."""
    height, width = image_size
    for unit in _UNITS:
        size = (height // unit * unit, width // unit * unit)
        if min(size) and size != image_size:
            yield size
    yield from ((side, side) for side in reversed(_SIDES) if side < min(image_size))


def _larger(image_size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Sizes to try: both sides rounded up to ever rounder numbers, then larger squares, smallest first."""
    height, width = image_size
    for unit in _UNITS:
        size = (-(-height // unit) * unit, -(-width // unit) * unit)
        if size != image_size:
            yield size
    yield from ((side, side) for side in _SIDES if side > min(image_size))


def _initial_values(config: NetworkConfig) -> InitialValues:
    hidden = config.initialiser or "he"
    last = config.last_initialiser or config.initialiser or "xavier"
    return InitialValues(
        hidden=hidden,
        last=last,
        std=config.initial_std,
        scale=config.initial_scale,
        bias=config.initial_bias or 0.0,
    )


def _check_options(config: NetworkConfig, entry: NetworkEntry) -> None:
    if config.dropout and not entry.dropout:
        raise UsageError(
            f"dropout = {config.dropout:g}: the network {entry.name} has no dropout; leave it out"
        )
    if config.batch_norm is not None and config.batch_norm not in entry.batch_norm:
        has = "always has batch normalisation" if True in entry.batch_norm else "has no batch normalisation"
        raise UsageError(f"batch_norm = {config.batch_norm}: the network {entry.name} {has}; leave it out")


def _check_size(entry: NetworkEntry, image_size: tuple[int, int]) -> None:
    height, width = image_size
    if min(height, width) < entry.minimum_side:
        raise UsageError(
            f"{entry.name} is too deep for images of {height}×{width}: the smallest size that works is "
            f"{entry.minimum_side}×{entry.minimum_side}; enlarge the images or take a smaller network"
        )


def _unknown(name: str) -> UsageError:
    close = near(name, network_names())
    hint = f"; {meant(close)}" if close else "."
    return UsageError(
        f"there is no network {name!r}{hint} "
        f"There are: {', '.join(network_names())}, pretrained, and timm:NAME for any network of timm"
    )
