"""Checkpoints: a network's weights, and apart from them what only training needs.

    checkpoints/step-00000430/network.safetensors    the weights that the classifier uses
                              training.safetensors   optimizer state, and the raw weights beside an average
                              state.json             the step, and plain numbers of the training state
    checkpoints/last, best, head, final              symbolic links to some of them

No pickle is written or read.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from convscope.errors import RunError
from convscope.runs import atomic

Tensors = dict[str, Tensor]
NAMES = ("best", "head", "final")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights and training state after `step` optimizer updates."""

    step: int
    network: Tensors
    training: Tensors = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)


def checkpoint_name(step: int) -> str:
    """`step-00000430`."""
    return f"step-{step:08d}"


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, is_best: bool) -> Path:
    """Write a checkpoint into `folder` (a run's `checkpoints`), whole or not at all.

    Raises:
        RunError: when the disk refuses; what was there before is still there and loads.
    """
    path = folder / checkpoint_name(checkpoint.step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.clear_leftovers(folder)
        with atomic.new_folder(path) as writer:
            writer.write("network.safetensors", _to_bytes(checkpoint.network))
            writer.write("training.safetensors", _to_bytes(checkpoint.training))
            state = {"step": checkpoint.step, **checkpoint.state}
            writer.write("state.json", json.dumps(state, indent=1).encode())
        atomic.point(folder / "last", path.name)
        if is_best:
            atomic.point(folder / "best", path.name)
    except OSError as error:
        raise RunError(
            f"{path} could not be written: {error.strerror or error}. The checkpoints before it are whole.\n"
            f"Make room, then go on with: convscope train --resume {folder.parent}"
        ) from error
    return path


def name_checkpoint(folder: Path, name: str, path: Path) -> None:
    """Let `head` stand for a pretrained network's fitted head, or `final` for what is kept in the end.

    Raises:
        RunError: when the disk refuses.
    """
    try:
        atomic.point(folder / name, path.name)
    except OSError as error:
        raise RunError(f"{folder / name} could not be written: {error.strerror or error}") from error


def load_checkpoint(folder: Path, which: str = "last") -> Checkpoint:
    """Read a whole checkpoint.

    Args:
        folder: a run's `checkpoints`.
        which: `last`, `best`, a step number or a checkpoint's name.

    Raises:
        RunError: when there is none, or it cannot be read.
    """
    path = find_checkpoint(folder, which)
    return Checkpoint(
        step=read_state(path)["step"],
        network=read_tensors(path / "network.safetensors"),
        training=read_tensors(path / "training.safetensors"),
        state=read_state(path),
    )


def find_checkpoint(folder: Path, which: str = "last") -> Path:
    """The folder of a checkpoint: `last`, `best`, a step number or a name.

    A killed writer can leave `last` one checkpoint behind, so the newest whole one counts as the last.

    Raises:
        RunError: when the run has no such checkpoint.
    """
    known = list_checkpoints(folder)
    if which == "last" and known:
        return known[-1]
    if which in NAMES and (folder / which).exists():
        return (folder / which).resolve()
    name = checkpoint_name(int(which)) if which.isdecimal() else which
    for path in known:
        if path.name == name:
            return path
    if not known:
        raise RunError(
            f"{folder.parent} has no checkpoint yet. Go on with: convscope train --resume {folder.parent}"
        )
    raise RunError(f"{folder.parent} has no checkpoint '{which}'; it has {', '.join(p.name for p in known)}")


def list_checkpoints(folder: Path) -> list[Path]:
    """All whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Remove all but the latest `keep` checkpoints and those with a name."""
    named = {(folder / name).resolve() for name in NAMES}
    for path in list_checkpoints(folder)[:-keep]:
        if path.resolve() not in named:
            shutil.rmtree(path)


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's `state.json`.

    Raises:
        RunError: when it is absent or damaged.
    """
    try:
        state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path / 'state.json'} cannot be read: {error}") from None
    return state


def read_tensors(path: Path) -> Tensors:
    """The tensors of one safetensors file.

    Raises:
        RunError: when the file is absent or damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def _to_bytes(tensors: Tensors) -> bytes:
    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})
