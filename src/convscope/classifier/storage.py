"""Where a classifier lies: in a run beside its checkpoints, or in a folder as model hubs have it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch

from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.held_out.storage import Taught
from convscope.classifier.model_card import model_card
from convscope.classifier.reading import Reading
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.errors import RunError, UsageError
from convscope.runs import atomic
from convscope.runs.checkpoints import Tensors, find_checkpoint, read_network, read_state, read_tensors
from convscope.runs.folder import CONFIG, DESCRIPTION, HELD_OUT, Run
from convscope.wording import listed, some

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
        target = dataclasses.asdict(self.target)
        if self.target.temperature == 1:
            del target["temperature"]
        return {
            "format": 1,
            "network": dataclasses.asdict(self.network),
            "preprocessing": self.preprocessing.to_dict(),
            "target": target,
            "reading": self.reading.to_dict(),
        }

    @property
    def image(self) -> str:
        """What is looked at: `28×28 px, grey`."""
        height, width = self.preprocessing.size
        return f"{width}×{height} px, {'grey' if self.preprocessing.channels == 1 else 'colour'}"

    def lines(self, parameters: int) -> list[tuple[str, ...]]:
        """What there is to know of a classifier with so many parameters, a line each."""
        target = self.target
        if target.task == "regression":
            answers = ("answers", "a number", f"from {target.low:g} to {target.high:g} in training")
        else:
            answers = ("classes", f"{len(target.class_names):,}: {listed(target.class_names)}", "")
        ways = {"crop": "cropped to the centre", "squash": "squashed", "pad": "padded"}
        return [
            ("network", str(self.network.name), some(parameters, "parameter")),
            answers,
            ("images", self.image, f"other shapes {ways[self.preprocessing.fit]}"),
        ]

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
        held_out: what images held out taught about its answers; None where nothing was measured, or it was
            measured of another checkpoint.
    """

    description: Description
    weights: Tensors | None
    where: str
    seed: int = 0
    held_out: HeldOut | None = None


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
    taught = Taught.read(path / HELD_OUT)
    if taught is None or taught.checkpoint != folder.name:
        return Stored(description, read_network(folder), str(folder))
    target = replace(description.target, temperature=taught.temperature)
    description = replace(description, target=target)
    return Stored(description, read_network(folder), str(folder), held_out=taught.held_out)


def _saved(path: Path) -> Stored:
    try:
        values = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path / CONFIG} is damaged: {error}") from None
    taught = Taught.read(path / HELD_OUT)
    return Stored(
        Description.from_dict(values, str(path)),
        read_tensors(path / WEIGHTS),
        str(path),
        held_out=None if taught is None else taught.held_out,
    )


def _with_reading(run: Run) -> dict[str, Any]:
    """`classifier.json`; of a run from before it held a `reading`, with what its configuration says."""
    values: dict[str, Any] = run.read(DESCRIPTION)
    if not isinstance(values, dict) or "reading" in values:
        return values
    return {**values, "reading": Reading(max_pixels=run.config.data.max_pixels).to_dict()}


def write_classifier(
    folder: Path,
    description: Description,
    weights: Tensors,
    held_out: HeldOut | None = None,
    *,
    overwrite: bool,
) -> None:
    """Write `config.json`, `model.safetensors` and a model card, the layout that model hubs use.

    Beside them stands `held_out.safetensors`, where something was measured on images held out.

    Raises:
        UsageError: when one of them is there already and not to be overwritten, or the folder is a run.
        RunError: when the disk refuses.
    """
    if (folder / CONFIG).exists() and not (folder / WEIGHTS).exists():
        raise UsageError(f"{folder} holds a {CONFIG} that is no classifier's. Save into another folder")
    there = [name for name in (CONFIG, WEIGHTS, CARD, HELD_OUT) if (folder / name).exists()]
    if there and not overwrite:
        raise UsageError(
            f"{folder} holds {there[0]} already. Save into another folder, or say overwrite=True"
        )
    content = {
        WEIGHTS: safetensors.torch.save({name: t.contiguous().cpu() for name, t in weights.items()}),
        CONFIG: json.dumps(description.to_dict(), indent=1).encode(),
        CARD: model_card(description.to_dict()).encode(),
    }
    if held_out is not None:
        taught = Taught(held_out=held_out, temperature=description.target.temperature)
        content[HELD_OUT] = taught.to_bytes()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if held_out is None:
            (folder / HELD_OUT).unlink(missing_ok=True)  # of what is overwritten
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
