"""What convscope chooses where nothing was said, and why: a function of the data's survey."""

from dataclasses import dataclass
from statistics import median

from convscope.config.asked import ExperimentConfig
from convscope.config.length import Steps
from convscope.config.resolved import NOT_FINE_TUNED, ResolvedExperiment, resolve
from convscope.data.augmentation import Augmentation
from convscope.data.preprocessing import discarded_share
from convscope.data.splitting.dividing import usual_validation_share
from convscope.data.survey import Survey
from convscope.errors import UsageError
from convscope.networks.catalogue import network_entry
from convscope.networks.pretrained import DEFAULT, SMALLEST_KNOWN, fixed_image_size
from convscope.training.fine_tuning.stages import FineTuning
from convscope.training.open_plan import OpenPlan
from convscope.training.progress import Choice
from convscope.training.recipes import Recipe, recipe_for
from convscope.wording import percent

SMALL_SIDE = 64
ENLARGED, ENLARGED_MANY = 192, 128
"""What they are enlarged to. After 1,000 images of CIFAR-10 its head alone has 62.2 % right at 96 px, 67.7 at
128, 70.4 at 160 and 72.3 at 192. Of many images the smaller size shows more in the same time."""

MANY = 10_000
"""Images from which on speed counts for more: larger batches, too, take a sixth off an epoch."""

LARGEST_NATURAL = 128
MOST_CROPPED = 0.10
UNEVEN = 3
WHOLE_PIXELS = "pad-and-crop=2, edge-padding"
"""Where there is no time to get used to more. After 1.4 epochs of CIFAR-10 in grey two-conv has 60.2 % of the
validation images right with these moves, and 57.1 % with turns and zooms besides."""

UNKNOWN_RATE = 1e-3
"""Stands for the learning rate until one is found; a cautious guess where none can be."""


@dataclass(frozen=True)
class Plan:
    """An experiment with nothing left open, and the choices that were made.

    Attributes:
        rate_is_open: no recipe knows a learning rate for it; the finder has to search one.
        fits_head_alone: no optimizer step follows the exact fit of a pretrained network's head.
    """

    config: ResolvedExperiment
    choices: tuple[Choice, ...]
    rate_is_open: bool
    fits_head_alone: bool = False


def plan_experiment(config: ExperimentConfig, survey: Survey) -> Plan:
    """Choose what was not said."""
    plan = OpenPlan(config, survey)
    _plan_split(plan)
    _plan_network(plan)
    _plan_image(plan)
    _plan_augmentation(plan)
    _plan_training(plan)
    _plan_answers(plan)
    rate_is_open = plan.config.training.learning_rate is None
    plan.fill({"training.learning_rate": UNKNOWN_RATE})
    return Plan(
        resolve(plan.config),
        tuple(plan.choices),
        rate_is_open,
        plan.is_pretrained and plan.config.training.length == Steps(0),
    )


def _plan_split(plan: OpenPlan) -> None:
    to_divide = plan.survey.split_counts.get("train", plan.survey.count)
    plan.fill({"data.validation_fraction": usual_validation_share(to_divide)})


def _plan_network(plan: OpenPlan) -> None:
    survey, given = plan.survey, plan.config.network.name
    longer = max(survey.median_size, default=0)
    if given == "pretrained":
        plan.replace({"network.name": DEFAULT})
        reason = "learn from what is known"
    elif given is not None:
        reason = ""
    elif survey.name.startswith("counting"):
        plan.fill({"network.name": "counter"})
        reason = "things to count: what each neighbourhood sees, averaged over the image"
    elif longer > SMALL_SIDE:
        plan.fill({"network.name": DEFAULT})
        reason = "pretrained on ImageNet: photos of everyday things learn from what is known"
    elif survey.channels == 1:
        plan.fill({"network.name": "two-conv"})
        reason = f"small grey images ({longer} px): two convolutions are enough, and fast"
    elif longer >= SMALLEST_KNOWN and (plan.config.preprocessing.size or ENLARGED) > SMALL_SIDE:
        plan.fill({"network.name": DEFAULT})
        reason = "pretrained on ImageNet: enlarged, small colour images learn from what is known, too"
    else:
        plan.fill({"network.name": _small_colour_network(survey)})
        reason = f"small images ({longer} px): from scratch"
    _refuse_fine_tuning_from_nothing(plan)
    plan.explain("network", str(plan.config.network.name), reason)


def _small_colour_network(survey: Survey) -> str:
    """The most accurate for its time; the residual one halves smaller images, too."""
    whitened = network_entry("whitened-vgg")
    is_large_enough = whitened is not None and _natural_side(survey) >= whitened.minimum_side
    return "whitened-vgg" if is_large_enough else "small-resnet"


def _refuse_fine_tuning_from_nothing(plan: OpenPlan) -> None:
    """What only fine-tuning does would be left out without a word where nothing was trained before."""
    if plan.is_pretrained:
        return
    for name, off in NOT_FINE_TUNED.items():
        value = getattr(plan.config.training, name)
        if value not in (None, off):
            raise UsageError(
                f"training.{name} = {value!r} is for a pretrained network, and {plan.config.network.name} "
                "begins with random weights. Leave it out, or add --network pretrained"
            )


def _plan_image(plan: OpenPlan) -> None:
    survey, given = plan.survey, plan.config.preprocessing
    tuned = FineTuning() if plan.is_pretrained else None
    usual = _natural_side(survey)
    if tuned:
        usual = fixed_image_size(str(plan.config.network.name)) or _enlarged_side(survey) or tuned.image_size
    side = given.size or usual
    crops = [discarded_share(width, height, (side, side), "crop") for width, height in survey.sizes]
    typical = median(crops) if crops else 0.0
    uncropped = tuned.fit if tuned else "pad"
    fit = given.fit or ("crop" if typical <= MOST_CROPPED else uncropped)
    plan.fill(
        {
            "data.task": survey.task_hint,
            "preprocessing.size": side,
            "preprocessing.channels": 3 if tuned else survey.channels,
            "preprocessing.fit": fit,
            "preprocessing.centre": "channel",
            "preprocessing.scale": True,
        }
    )
    if typical > 0.005:
        cuts = "cuts" if fit == "crop" else "would cut"
        words = {"crop": "centre crop", "pad": "padded", "squash": "squashed"}
        share = percent(typical, 0)
        plan.explain(
            "fit", f"{side} px, {words[fit]}", f"a centre crop {cuts} {share} of the typical image away"
        )


def _natural_side(survey: Survey) -> int:
    """Small images keep their size, which a square of the longer side holds; larger ones get 128 px."""
    longer = max(survey.median_size, default=0)
    return longer if 0 < longer <= LARGEST_NATURAL else 128


def _enlarged_side(survey: Survey) -> int | None:
    """Of small images, for a network that was pretrained on larger ones."""
    longer = max(survey.median_size, default=0)
    if not 0 < longer <= SMALL_SIDE:
        return None
    return ENLARGED if survey.count < MANY else ENLARGED_MANY


def _plan_augmentation(plan: OpenPlan) -> None:
    if plan.config.augmentation.preset is not None:
        return
    name, config = plan.survey.name, plan.config.preprocessing
    if plan.fits_head_alone:
        plan.fill({"augmentation.preset": "flip-horizontal"})
        reason = "the head is fitted on each image and its mirror image, and nothing else"
        plan.explain("augmentation", "flip-horizontal", reason)
        return
    if name.startswith("counting"):
        preset, reason = "symmetric", "flips and turns only: a crop would change the count"
    elif config.channels == 1 and _sees_images_once_or_twice(plan):
        preset, reason = WHOLE_PIXELS, "moves by whole pixels: each image is seen once or twice"
    elif config.channels == 1:
        preset, reason = "digits", "small moves; no flips, which can change what a drawing means"
    elif config.size is not None and config.size <= SMALL_SIDE:
        preset, reason = "cifar", "flips and small moves"
    else:
        preset, reason = "photos", "flips, small moves, light"
    plan.fill({"augmentation.preset": preset})
    plan.explain("augmentation", preset, reason)


def _plan_training(plan: OpenPlan) -> None:
    recipe = recipe_for(str(plan.config.network.name))
    training = plan.config.training
    is_many = plan.is_pretrained and plan.survey.count >= MANY
    plan.fill(
        {
            "training.optimizer": recipe.optimizer,
            "training.batch_size": recipe.batch_size * (2 if is_many else 1),
            "training.weight_decay": recipe.weight_decay,
            "training.schedule": "one-cycle",
            "training.label_smoothing": recipe.label_smoothing
            if plan.config.data.task != "regression"
            else 0.0,
            "training.ema": recipe.ema,
            "network.dropout": recipe.dropout,
        }
    )
    if recipe.initialiser is not None and plan.config.network.initialiser is None:
        plan.fill({"network.initialiser": recipe.initialiser, "network.last_initialiser": "xavier"})
    if plan.config.training.optimizer == recipe.optimizer:
        plan.fill({"training.learning_rate": recipe.learning_rate})
    if plan.is_pretrained:
        tuned = FineTuning()
        plan.fill(
            {
                "training.frozen": False,
                "training.head_scale": tuned.head_scale,
                "training.frozen_share": tuned.frozen_share,
                "training.rate_decay": tuned.rate_decay,
                "training.frozen_statistics": tuned.frozen_statistics,
            }
        )
    _plan_balance(plan)
    if plan.fits_head_alone:
        plan.fill({"training.steps": 0})
    elif training.length is None:
        plan.fill(_length(plan, recipe))
    plan.explain("plan", _words(plan))


def _plan_answers(plan: OpenPlan) -> None:
    flips = Augmentation.from_text(str(plan.config.augmentation.preset)).mirrors
    plan.fill({"preprocessing.mirrored": recipe_for(str(plan.config.network.name)).mirrored and flips})
    if plan.config.preprocessing.mirrored:
        plan.explain(
            "answers", "with the mirror image", "the mean of both: half a point better, twice as long"
        )


def _length(plan: OpenPlan, recipe: Recipe) -> dict[str, int]:
    """As many epochs as see the recipe's images; the fewest, where they are no whole number, as steps."""
    epochs = min(recipe.most_epochs, round(recipe.images_seen / max(1, plan.survey.count)))
    if epochs >= recipe.fewest_epochs:
        return {"training.epochs": epochs}
    if recipe.fewest_epochs == int(recipe.fewest_epochs):
        return {"training.epochs": int(recipe.fewest_epochs)}
    data, batch_size = plan.config.data, plan.config.training.batch_size or recipe.batch_size
    held_out = 0.0 if data.folds else (data.validation_fraction or 0.0) + data.test_fraction
    images = plan.survey.split_counts.get("train") or plan.survey.count * (1 - held_out)
    return {"training.steps": max(1, round(recipe.fewest_epochs * images / batch_size))}


def _sees_images_once_or_twice(plan: OpenPlan) -> bool:
    """Whether the length is open, and there are so many images that it will be the fewest epochs."""
    recipe = recipe_for(str(plan.config.network.name))
    return plan.config.training.length is None and recipe.images_seen < 2 * plan.survey.count


def _plan_balance(plan: OpenPlan) -> None:
    """Uneven classes are evened out: else the rare ones are hardly ever the answer."""
    counts = [count for count in plan.survey.class_counts.values() if count]
    if plan.config.training.balance is None and counts and max(counts) >= UNEVEN * min(counts):
        reason = f"the largest class has {max(counts) / min(counts):.0f} times the images of the smallest"
        plan.explain("balance", "each class weighs alike in the loss", reason)
        plan.fill({"training.balance": "loss"})
    plan.fill({"training.balance": "none"})


def _words(plan: OpenPlan) -> str:
    training = plan.config.training
    if plan.is_pretrained and training.length == Steps(0):
        return "the head alone, fitted on frozen features"
    head = "the head on frozen features, then " if plan.is_pretrained else ""
    rate = "a rate to be found" if training.learning_rate is None else f"{training.learning_rate:.2g}"
    how = f"batch {training.batch_size} · {training.optimizer}, {training.schedule} to {rate}"
    return f"{head}{training.length} · {how}"
