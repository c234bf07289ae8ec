"""What convscope chooses where nothing was said, and why: a function of the data's survey."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from convscope.config.experiment import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.preprocessing import discarded_share
from convscope.data.survey import Survey
from convscope.training.progress import Choice

SMALL_SIDE = 64
MOST_CROPPED = 0.10
FEWEST_EPOCHS, MOST_EPOCHS = 2, 40


@dataclass(frozen=True)
class Recipe:
    """Training settings that suit a kind of network; measured by benchmarks/recipes.py."""

    optimizer: str
    learning_rate: float
    batch_size: int
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    ema: float | None = None
    images_seen: int = 100_000
    """Over the whole training; sets the epochs."""


SMALL_NETWORK = Recipe("adamw", 3e-3, 128, weight_decay=1e-2)
RESIDUAL = Recipe("adamw", 4e-3, 128, weight_decay=5e-2, label_smoothing=0.1, images_seen=600_000)
DEEP = Recipe("adam", 5e-4, 100)


def plan_experiment(config: ExperimentConfig, survey: Survey) -> tuple[ExperimentConfig, list[Choice]]:
    """The same experiment with nothing left open, and the choices that were made."""
    plan = _Plan(config, survey)
    _plan_image(plan)
    _plan_network(plan)
    _plan_augmentation(plan)
    _plan_training(plan)
    return plan.config, plan.choices


@dataclass
class _Plan:
    """A configuration that fills up."""

    config: ExperimentConfig
    survey: Survey
    choices: list[Choice] = field(default_factory=list)

    def fill(self, values: dict[str, Any]) -> None:
        """Set the fields that are still open."""
        open_fields = {name: value for name, value in values.items() if self._get(name) is None}
        self.config = override(self.config, open_fields)

    def explain(self, what: str, value: str, reason: str = "") -> None:
        """Tell whoever watches."""
        self.choices.append(Choice(what, value, reason))

    def _get(self, dotted: str) -> Any:
        value: Any = self.config
        for part in dotted.split("."):
            value = getattr(value, part)
        return value


def _plan_image(plan: _Plan) -> None:
    survey, given = plan.survey, plan.config.preprocessing
    side = given.size or _natural_side(survey)
    crops = [discarded_share(width, height, (side, side), "crop") for width, height in survey.sizes]
    typical = median(crops) if crops else 0.0
    fit = given.fit or ("crop" if typical <= MOST_CROPPED else "pad")
    plan.fill(
        {
            "data.task": survey.task_hint,
            "preprocessing.size": side,
            "preprocessing.channels": survey.channels,
            "preprocessing.fit": fit,
            "preprocessing.centre": "channel",
            "preprocessing.scale": True,
        }
    )
    if typical > 0.005:
        if fit == "crop":
            reason = f"a centre crop cuts {typical:.0%} of the typical image away"
        else:
            reason = f"a centre crop would cut {typical:.0%} of the typical image away"
        words = {"crop": "centre crop", "pad": "padded", "squash": "squashed"}
        plan.explain("fit", f"{side} px, {words[fit]}", reason)


def _natural_side(survey: Survey) -> int:
    """Small images keep their size, which a square of the longer side holds; larger ones get 128 px."""
    longer = max(survey.median_size, default=0)
    return longer if 0 < longer <= SMALL_SIDE else 128


def _plan_network(plan: _Plan) -> None:
    given = plan.config.network.name
    side, channels = plan.config.preprocessing.size, plan.config.preprocessing.channels
    if channels == 1 and side is not None and side <= SMALL_SIDE:
        name, reason = "two-conv", f"small grey images ({side} px): two convolutions are enough, and fast"
    else:
        name, reason = "small-resnet", f"{side} px images: a residual network from scratch"
    plan.fill({"network.name": name})
    plan.explain("network", str(plan.config.network.name), "" if given else reason)


def _plan_augmentation(plan: _Plan) -> None:
    if plan.config.augmentation.preset is not None:
        return
    name, config = plan.survey.name, plan.config.preprocessing
    if name.startswith("counting"):
        preset, reason = "symmetric", "flips and turns only: a crop would change the count"
    elif config.channels == 1:
        preset, reason = "digits", "small moves; no flips, which can change what a drawing means"
    elif config.size is not None and config.size <= SMALL_SIDE:
        preset, reason = "cifar", "flips and small moves"
    else:
        preset, reason = "photos", "flips, small moves, light"
    plan.fill({"augmentation.preset": preset})
    plan.explain("augmentation", preset, reason)


def _plan_training(plan: _Plan) -> None:
    recipe = _recipe(str(plan.config.network.name))
    training = plan.config.training
    plan.fill(
        {
            "training.optimizer": recipe.optimizer,
            "training.learning_rate": recipe.learning_rate,
            "training.batch_size": recipe.batch_size,
            "training.weight_decay": recipe.weight_decay,
            "training.schedule": "one-cycle",
            "training.label_smoothing": recipe.label_smoothing
            if plan.config.data.task != "regression"
            else 0.0,
            "training.balance": "none",
        }
    )
    if training.ema is None and recipe.ema is not None:
        plan.fill({"training.ema": recipe.ema})
    if training.time is None and training.steps is None and training.epochs is None:
        epochs = round(recipe.images_seen / max(1, plan.survey.count))
        plan.fill({"training.epochs": min(MOST_EPOCHS, max(FEWEST_EPOCHS, epochs))})
    training = plan.config.training
    if training.steps is not None:
        length = f"{training.steps:,} steps"
    else:
        length = (
            f"{training.epochs} epochs"
            if training.epochs is not None
            else f"as many epochs as fit into {training.time}"
        )
    plan.explain(
        "plan",
        f"{length} · batch {training.batch_size} · {training.optimizer}, {training.schedule} to "
        f"{training.learning_rate:.2g}",
    )


def _recipe(network: str) -> Recipe:
    match network:
        case "small-resnet" | "resnet18":
            return RESIDUAL
        case name if name.startswith(("vgg", "conv4", "conv-dropout", "timm:")):
            return DEEP
        case _:
            return SMALL_NETWORK
