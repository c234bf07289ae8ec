"""An experiment with nothing left open: what a plan returns, a run saves, and training reads.

Each class narrows one of `config/asked.py`: the same fields, in which nothing is None that must be known. So
`config.json` is an experiment as well, and running it again needs nothing else.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, cast

from convscope.config.asked import (
    AugmentationConfig,
    Balance,
    Centre,
    DataConfig,
    ExperimentConfig,
    Fit,
    NetworkConfig,
    OptimizerName,
    PreprocessingConfig,
    ScheduleName,
    Task,
    TrainingConfig,
)
from convscope.config.experiment_file import experiment_from_dict
from convscope.config.length import Length
from convscope.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ResolvedData(DataConfig):
    """Where the images come from and how they are divided; the task is known."""

    task: Task


@dataclass(frozen=True, kw_only=True)
class ResolvedPreprocessing(PreprocessingConfig):
    """What is done to every image."""

    size: int
    channels: Literal[1, 3]
    fit: Fit
    centre: Centre
    scale: bool
    mirrored: bool


@dataclass(frozen=True, kw_only=True)
class ResolvedAugmentation(AugmentationConfig):
    """What is done at random, to training images only."""

    preset: str


@dataclass(frozen=True, kw_only=True)
class ResolvedNetwork(NetworkConfig):
    """The architecture; options of a network that are left to it stay None."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ResolvedTraining(TrainingConfig):
    """How the weights are found. What stays None is off: clipping, averaging, early stopping, histograms."""

    batch_size: int
    optimizer: OptimizerName
    learning_rate: float
    weight_decay: float
    schedule: ScheduleName
    label_smoothing: float
    balance: Balance
    frozen: bool
    head_scale: float
    frozen_share: float
    rate_decay: float
    frozen_statistics: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        if super().length is None:
            raise UsageError("training.epochs, training.steps or training.time must say how long to train")

    @property
    def length(self) -> Length:
        """How long to train."""
        return cast(Length, super().length)


@dataclass(frozen=True, kw_only=True)
class ResolvedExperiment(ExperimentConfig):
    """All that is needed to run an experiment again."""

    data: ResolvedData
    preprocessing: ResolvedPreprocessing
    augmentation: ResolvedAugmentation
    network: ResolvedNetwork
    training: ResolvedTraining


NOT_FINE_TUNED: dict[str, Any] = {
    "frozen": False,
    "head_scale": 1.0,
    "frozen_share": 0.0,
    "rate_decay": 1.0,
    "frozen_statistics": False,
}
"""What only a pretrained network can have, where nothing was said: off."""

NOT_MIRRORED: dict[str, Any] = {"mirrored": False}
"""What runs of before it could be asked for have been."""


def resolve(config: ExperimentConfig) -> ResolvedExperiment:
    """The same experiment, as one in which nothing is open.

    Raises:
        UsageError: naming a field that still is.
    """
    return ResolvedExperiment(
        seed=config.seed,
        data=ResolvedData(**_values(config.data)),
        preprocessing=ResolvedPreprocessing(**_values(config.preprocessing, NOT_MIRRORED)),
        augmentation=ResolvedAugmentation(**_values(config.augmentation)),
        network=ResolvedNetwork(**_values(config.network)),
        training=ResolvedTraining(**_values(config.training, NOT_FINE_TUNED)),
    )


def resolved_from_dict(values: Any) -> ResolvedExperiment:
    """What `config.json` holds; runs of version 0.1.0 noted beside their time how many steps it held.

    Raises:
        UsageError: for what the schema does not know or allow.
    """
    training = values.get("training") if isinstance(values, dict) else None
    if isinstance(training, dict) and training.get("steps") is not None:
        values = values | {"training": training | {"time": None}}
    return resolve(experiment_from_dict(values))


def _values(section: Any, defaults: dict[str, Any] | None = None) -> dict[str, Any]:
    values = {field.name: getattr(section, field.name) for field in dataclasses.fields(section)}
    for name, value in (defaults or {}).items():
        values[name] = value if values[name] is None else values[name]
    return values
