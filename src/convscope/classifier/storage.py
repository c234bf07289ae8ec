"""Where a classifier lies: in a run beside its checkpoints, or in a folder as model hubs have it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch

from convscope.classifier.model_card import model_card
from convscope.classifier.reading import Reading
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.errors import RunError, UsageError
from convscope.runs import atomic
from convscope.runs.checkpoints import Tensors, find_checkpoint, read_network, read_state, read_tensors
from convscope.runs.folder import CONFIG, DESCRIPTION, Run

WEIGHTS = "model.safetensors"
CARD = "README.md"


@dataclass(frozen=True, eq=False)
class Description:
    """All of a classifier but its weights: enough to build it again."""

    network: NetworkConfig
    preprocessing: Preprocessing
    target: Target
    reading: Reading = field(default_factory=Reading)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "format": 1,
            "network": dataclasses.asdict(self.network),
            "preprocessing": self.preprocessing.to_dict(),
            "target": dataclasses.asdict(self.target),
            "reading": self.reading.to_dict(),
        }

    @staticmethod
    def from_dict(values: dict[str, Any], where: str) -> Description:
        """The inverse of `to_dict`; what was written before there was a `reading` has the default one.

        Raises:
            RunError: when something is missing, or has a meaning that this version does not know.
        """
        try:
            return Description(
                NetworkConfig(**values["network"]),
                Preprocessing.from_dict(values["preprocessing"]),
                Target(**{**values["target"], "class_names": tuple(values["target"]["class_names"])}),
                Reading(**values.get("reading", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            raise RunError(f"{where}: the description of the classifier cannot be read: {error}") from None


@dataclass(frozen=True, eq=False)
class Stored:
    """A classifier that was found.

    Attributes:
        weights: None for one as it was before its first step.
        where: what to call it in a message.
        seed: what its first weights are a function of.
    """

    description: Description
    weights: Tensors | None
    where: str
    seed: int = 0


def find_classifier(path: Path, which: str) -> Stored:
    """The classifier in a run, or in a folder that `write_classifier` made.

    Args:
        path: the folder.
        which: of a run's checkpoints: `final` (what the run's figures were measured on), `last`, `best`, a
            step, or `untrained`.

    Raises:
        RunError: when the folder holds no classifier, or no such checkpoint.
    """
    if (path / WEIGHTS).is_file() and (path / CONFIG).is_file():
        if which != "final":
            raise RunError(f"{path} holds one saved classifier and no checkpoint '{which}'; leave that out")
        return _saved(path)
    run = Run.open(path)
    description = Description.from_dict(_with_reading(run), str(path))
    if which == "untrained":
        return Stored(description, None, str(path), run.config.seed)
    folder = checkpoint_of(run, which)
    return Stored(description, read_network(folder), str(folder))


def _saved(path: Path) -> Stored:
    try:
        values = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path / CONFIG} is damaged: {error}") from None
    return Stored(Description.from_dict(values, str(path)), read_tensors(path / WEIGHTS), str(path))


def _with_reading(run: Run) -> dict[str, Any]:
    """`classifier.json`; of a run from before it held a `reading`, with what its configuration says."""
    values: dict[str, Any] = run.read(DESCRIPTION)
    if not isinstance(values, dict) or "reading" in values:
        return values
    return {**values, "reading": Reading(max_pixels=run.config.data.max_pixels).to_dict()}


def write_classifier(folder: Path, description: Description, weights: Tensors, *, overwrite: bool) -> None:
    """Write `config.json`, `model.safetensors` and a model card, the layout that model hubs use.

    Raises:
        UsageError: when one of the three is there already and not to be overwritten, or the folder is a run.
        RunError: when the disk refuses.
    """
    if (folder / CONFIG).exists() and not (folder / WEIGHTS).exists():
        raise UsageError(f"{folder} holds a {CONFIG} that is no classifier's. Save into another folder")
    there = [name for name in (CONFIG, WEIGHTS, CARD) if (folder / name).exists()]
    if there and not overwrite:
        raise UsageError(
            f"{folder} holds {there[0]} already. Save into another folder, or say overwrite=True"
        )
    content = {
        WEIGHTS: safetensors.torch.save({name: t.contiguous().cpu() for name, t in weights.items()}),
        CONFIG: json.dumps(description.to_dict(), indent=1).encode(),
        CARD: model_card(description.to_dict()).encode(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, bytes_ in content.items():
            atomic.write_file(folder / name, bytes_)
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {(error.strerror or str(error)).lower()}") from error


def checkpoint_of(run: Run, which: str) -> Path:
    """The folder of a checkpoint; `final` is the one that the run's figures are measured on."""
    return run.kept_checkpoint() if which == "final" else find_checkpoint(run.checkpoint_folder, which)


def checkpoint_step(run: Run, which: str) -> int:
    """The step of a named checkpoint."""
    return int(read_state(checkpoint_of(run, which))["step"])
