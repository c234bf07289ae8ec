"""How each kind of network is trained where nothing else is asked."""

from dataclasses import dataclass

from convscope.config.asked import Initialiser
from convscope.networks.catalogue import network_entry
from convscope.networks.pretrained import is_pretrained
from convscope.training.fine_tuning.stages import FineTuning

FINE_TUNING_IMAGES = 20_000


@dataclass(frozen=True)
class Recipe:
    """Training settings that suit a kind of network."""

    optimizer: str
    learning_rate: float | None
    """For its optimizer; None where it has to be found."""
    batch_size: int
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    ema: float | None = None
    images_seen: int = 100_000
    """Over the whole training; sets the epochs."""

    fewest_epochs: float = 2
    """Of sets with more images than that."""

    most_epochs: int = 40
    dropout: float | None = None
    initialiser: Initialiser | None = None
    """Of the layers before a ReLU; the network's own where it is None."""

    mirrored: bool = False
    """Whether answers are averaged with the mirror image's, where the training images were flipped, too."""


RECIPES = {
    "small": Recipe("adamw", 7e-3, 192, weight_decay=1e-2, fewest_epochs=1.3),
    "counter": Recipe("adamw", 6e-3, 128, weight_decay=1e-2, images_seen=75_000),
    "residual": Recipe("adamw", 4e-3, 128, weight_decay=5e-2, label_smoothing=0.1, images_seen=600_000),
    "whitened": Recipe(
        "nesterov",
        0.12,
        128,
        weight_decay=1.3e-3,
        label_smoothing=0.2,
        images_seen=600_000,
        initialiser="identity",
        mirrored=True,
    ),
    "plain": Recipe("adam", None, 100),
}
"""By what the catalogue says of a network."""


def recipe_for(network: str) -> Recipe:
    """The recipe of a network by its name; of one that is not the package's own, the plain one."""
    if is_pretrained(network):
        tuned = FineTuning()
        return Recipe(
            tuned.optimizer,
            tuned.learning_rate,
            tuned.batch_size,
            weight_decay=tuned.weight_decay,
            label_smoothing=tuned.label_smoothing,
            dropout=tuned.dropout,
            images_seen=FINE_TUNING_IMAGES,
            most_epochs=tuned.epochs,
        )
    entry = network_entry(network)
    return RECIPES[entry.recipe if entry is not None else "plain"]
