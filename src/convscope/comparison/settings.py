"""What differs between the configurations of several runs, and only that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convscope.comparison.sides import Side
from convscope.config.experiment_file import experiment_to_dict, flat

SILENT = (
    *("data.allow_broken", "data.max_pixels", "data.split_seed"),
    *("training.checkpoint_every", "training.keep_checkpoints", "training.record_every"),
    *("training.validate_every", "training.record_histograms", "training.device", "training.threads"),
)
"""What changes no figure, or not by more than the last digits."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting that is not the same everywhere.

    Attributes:
        field: `training.learning_rate`.
        values: of each side, in their order; None where it is not set.
    """

    field: str
    values: tuple[Any, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"field": self.field, "values": list(self.values)}


def settings_apart(sides: Sequence[Side]) -> tuple[Setting, ...]:
    """The settings that differ, in the order of the schema; the seed only where each side has one."""
    configs = [flat(experiment_to_dict(side.first.config)) for side in sides]
    silent = (*SILENT, *(("seed",) if any(len(side.members) > 1 for side in sides) else ()))
    fields = dict.fromkeys(field for config in configs for field in config if field not in silent)
    found = [Setting(field=field, values=tuple(config.get(field) for config in configs)) for field in fields]
    trained_on = Setting(field="training images", values=tuple(side.first.training_images for side in sides))
    return tuple(each for each in (*found, trained_on) if _differs(each.values))


def _differs(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values[1:])
