"""The one schema: what an experiment file may say and a flag may override.

`None` means "convscope chooses, and says why" (`training/plan.py`). What it chose is a `ResolvedExperiment`
(`config/resolved.py`). Nothing here imports torch, so that `convscope --help` answers at once.
"""

from dataclasses import dataclass, field
from typing import Literal

from convscope.config.checks import (
    check_fields,
    duration_or_none,
    fraction,
    non_negative,
    non_negative_or_none,
    parse_duration,
    positive,
    positive_or_none,
    two_or_more_or_none,
)
from convscope.config.length import Epochs, Length, Steps, TimeBudget
from convscope.errors import UsageError

Fit = Literal["crop", "squash", "pad"]
Centre = Literal["none", "channel", "image"]
Initialiser = Literal["normal", "truncated-normal", "xavier", "he", "identity"]
OptimizerName = Literal["sgd", "momentum", "nesterov", "adam", "adamw"]
ScheduleName = Literal["constant", "linear", "cosine", "one-cycle"]
Task = Literal["classification", "regression"]
Balance = Literal["none", "loss", "sampling"]
LENGTHS = ("steps", "epochs", "time")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the images come from and how they are divided."""

    source: str = "digits"
    """A folder, a .zip/.tar, a .csv/.parquet, or a name: digits, mnist, fashion-mnist, cifar10,
    counting:1-5."""

    validation_fraction: float | None = field(default=None, metadata={"check": fraction})
    """Share of the images for validation, where the source has no such split; 15 %, and no more than 5,000
    images, unless given. With 0 a named set's validation images are for training, too."""

    test_fraction: float = field(default=0.15, metadata={"check": fraction})
    """Share of the images for the test, where the source has no such split."""

    folds: int | None = field(default=None, metadata={"check": two_or_more_or_none})
    """Cross-validate in this many parts, then fit on all images: for data too small for a test split."""

    repeats: int = field(default=1, metadata={"check": positive})
    """Repeat the cross-validation this many times, each with another deal."""

    corrections: str | None = None
    """A table of corrections, path,old,new or content,old,new: labels that are wrong, and images to leave
    out."""

    group_by: str | None = None
    """Keep images together in one split: a regular expression whose match in the path names the group, or a
    column of the table."""

    series: bool = True
    """Find series of one thing or scene, by names and by looks, and keep each on one side of the split, where
    `group_by` says nothing."""

    task: Task | None = None
    """Classify, or predict a number. Chosen from the labels unless given."""

    allow_broken: bool = False
    """Go on even when more than 5 % of the files cannot be read."""

    split_seed: int | None = field(default=None, metadata={"check": non_negative_or_none})
    """Decides the split and the folds, where the seed should not: runs of several seeds then share their test
    images."""

    max_pixels: int = field(default=100_000_000, metadata={"check": positive})
    """Files whose header announces more pixels are quarantined, not decoded."""

    def __post_init__(self) -> None:
        check_fields(self, "data")


@dataclass(frozen=True, kw_only=True)
class PreprocessingConfig:
    """What is done to every image, always: in training, evaluation, prediction and export."""

    size: int | None = field(default=None, metadata={"check": positive_or_none})
    """Side of the square that the network sees, in pixels."""

    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour."""

    fit: Fit | None = None
    """How an image that is not square becomes one: crop the centre, squash, or pad."""

    centre: Centre | None = None
    """Subtract nothing, the mean of each channel, or the mean image; of the training split."""

    scale: bool | None = None
    """Divide each channel by its standard deviation over the training split (after scaling pixels to 0-1)."""

    mirrored: bool | None = None
    """Answer with the mean of the outputs for an image and for its mirror image, at twice the cost."""

    def __post_init__(self) -> None:
        check_fields(self, "preprocessing")


@dataclass(frozen=True, kw_only=True)
class AugmentationConfig:
    """What is done at random, to training images only. A preset, and changes to it."""

    preset: str | None = field(default=None, metadata={"flag": "augmentation"})
    """photos, digits, cifar, symmetric or none; or operations in a row, as "flip-horizontal, shift=0.1"."""

    def __post_init__(self) -> None:
        check_fields(self, "augmentation")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The architecture and the weights it starts from."""

    name: str | None = field(default=None, metadata={"flag": "network"})
    """See `convscope networks`; `timm:NAME` for any timm network; `pretrained` for a good default."""

    batch_norm: bool | None = None
    """Batch normalisation after each convolution, where the network has the choice."""

    dropout: float | None = field(default=None, metadata={"check": fraction})
    """Probability of dropping a unit, where the network has dropout."""

    initialiser: Initialiser | None = None
    """Distribution of the initial weights in layers followed by a ReLU."""

    last_initialiser: Initialiser | None = None
    """Distribution of the initial weights in the last layer; as `initialiser` unless given."""

    initial_std: float | None = field(default=None, metadata={"check": positive_or_none})
    """Standard deviation for the initialisers `normal` and `truncated-normal`."""

    initial_scale: float = field(default=1.0, metadata={"check": positive})
    """Every initial weight is multiplied by this."""

    initial_bias: float | None = None
    """Every bias starts at this value."""

    def __post_init__(self) -> None:
        check_fields(self, "network")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the weights are found."""

    epochs: int | None = field(default=None, metadata={"check": positive_or_none})
    """Passes over the training split."""

    steps: int | None = field(default=None, metadata={"check": non_negative_or_none})
    """Optimizer updates, instead of epochs. 0 keeps the untrained network."""

    time: str | None = field(default=None, metadata={"check": duration_or_none})
    """Time budget, as in 90s or 5m, from the call to the printed result, instead of epochs."""

    batch_size: int | None = field(default=None, metadata={"check": positive_or_none})
    """Images per step."""

    optimizer: OptimizerName | None = None
    """Update rule."""

    learning_rate: float | None = field(default=None, metadata={"check": positive_or_none})
    """Peak learning rate."""

    momentum: float = field(default=0.9, metadata={"check": fraction})
    """For momentum and nesterov."""

    weight_decay: float | None = field(default=None, metadata={"check": non_negative_or_none})
    """On weights; never on biases and the gains of normalisation layers."""

    schedule: ScheduleName | None = None
    """How the learning rate moves."""

    warmup: float = field(default=0.25, metadata={"check": fraction})
    """Share of the steps in which a one-cycle or cosine schedule rises to its peak."""

    label_smoothing: float | None = field(default=None, metadata={"check": fraction})
    """Share of the target that is spread over all classes."""

    clip_gradient: float | None = field(default=None, metadata={"check": positive_or_none})
    """Largest norm of the whole gradient."""

    ema: float | None = field(default=None, metadata={"check": fraction})
    """Decay of the exponential moving average of the weights; the classifier then holds the average."""

    early_stopping: int | None = field(default=None, metadata={"check": positive_or_none})
    """Stop after this many validations without a better one."""

    balance: Balance | None = None
    """Even out uneven classes: weight the loss, or sample the rarer classes more often."""

    frozen: bool | None = None
    """Fit the head alone and leave a pretrained backbone as it is."""

    head_scale: float | None = field(default=None, metadata={"check": positive_or_none})
    """Fine-tuning starts from a pretrained network's fitted head times this: below 1 it is less sure."""

    frozen_share: float | None = field(default=None, metadata={"check": fraction})
    """Share of a pretrained network's stages, from the input, that are not trained."""

    rate_decay: float | None = field(default=None, metadata={"check": positive_or_none})
    """Learning rate of a pretrained network's stage, as a part of the next one's towards the output."""

    frozen_statistics: bool | None = None
    """Normalise with a pretrained network's batch statistics instead of each batch's own."""

    checkpoint_every: int | None = field(default=None, metadata={"check": positive_or_none})
    """Steps between checkpoints; by default one per epoch and one at the end."""

    keep_checkpoints: int = field(default=2, metadata={"check": positive})
    """How many of the latest checkpoints stay, besides the best."""

    record_every: int | None = field(default=None, metadata={"check": positive_or_none})
    """Steps between records in metrics.jsonl; by default five per epoch, and 200 at most."""

    validate_every: int | None = field(default=None, metadata={"check": positive_or_none})
    """Steps between validations; by default once per epoch."""

    record_histograms: int | None = field(default=None, metadata={"check": positive_or_none})
    """Steps between histograms of each layer's values; off unless given."""

    device: str = "auto"
    """cpu, cuda, cuda:1; `auto` takes a GPU if there is one."""

    threads: int | None = field(default=None, metadata={"check": positive_or_none})
    """CPU threads; all cores unless given."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 on GPUs, and CPUs, that multiply in it natively; else float32."""

    def __post_init__(self) -> None:
        check_fields(self, "training")
        given = [f"training.{name}" for name in LENGTHS if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} say how long to train; give one of them")

    @property
    def length(self) -> Length | None:
        """How long to train, where it was said."""
        if self.epochs is not None:
            return Epochs(self.epochs)
        if self.steps is not None:
            return Steps(self.steps)
        return None if self.time is None else TimeBudget(parse_duration(self.time), self.time.strip())


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """A complete, named configuration: all that is needed to run it again."""

    seed: int = field(default=0, metadata={"check": non_negative})
    """Decides splits, initial weights, order, augmentation and dropout."""

    data: DataConfig = field(default_factory=DataConfig)
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def split_seed(self) -> int:
        """What decides the split and the folds: the seed, unless the data have one of their own."""
        return self.seed if self.data.split_seed is None else self.data.split_seed
