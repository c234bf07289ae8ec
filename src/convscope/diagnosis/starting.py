"""Which other start a network can have: what an advice may name, and `--try` can follow."""

from typing import Any

from convscope.config.asked import NetworkConfig
from convscope.networks.catalogue import network_entry


def has_choice_of_weights(network: NetworkConfig) -> bool:
    """Whether its initial weights can be asked for: those of networks from elsewhere are their own."""
    return network_entry(network.name or "") is not None


def can_be_normalised(network: NetworkConfig) -> bool:
    """Whether `--batch-norm` would change it."""
    entry = network_entry(network.name or "")
    return entry is not None and entry.has_choice_of_batch_norm and not network.batch_norm


def other_start(network: NetworkConfig) -> dict[str, Any]:
    """What to change so that values and gradients keep their size; empty where there is nothing to choose."""
    if not has_choice_of_weights(network):
        return {}
    if network.initialiser not in (None, "he") or network.initial_scale != 1:
        back: dict[str, Any] = {"initialiser": "he", "initial_std": None, "initial_scale": 1.0}
        return {f"network.{name}": value for name, value in back.items() if getattr(network, name) != value}
    return {"network.batch_norm": True} if can_be_normalised(network) else {}


def advise_start(network: NetworkConfig) -> str:
    """The same in words, with the flags that this network takes."""
    changes = other_start(network)
    if not changes:
        return "Train another --network: this one has no better start to choose"
    if "network.batch_norm" in changes:
        return "Normalise behind each convolution: --batch-norm"
    scaled = " and without --initial-scale" if network.initial_scale != 1 else ""
    return f"Train with --initialiser he{scaled}"
