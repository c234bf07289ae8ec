"""Checkpoints: a network's weights, and apart from them what only training needs.

    checkpoints/step-00000430/network.safetensors    the weights that the classifier uses
                              training.safetensors   optimizer state, and the raw weights beside an average
                              state.json             the step, and plain numbers of the training state
    checkpoints/names.json                           which of them is best, head (the fitted head of a
                                                     pretrained network) and final (kept in the end)

The last is the newest that is whole. A folder of plain files: it can be copied, zipped and moved. Version
0.1.0 had symbolic links for names, which are still read. No pickle is written or read.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
from torch import Tensor

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.wording import command

Tensors = dict[str, Tensor]
Name = Literal["best", "head", "final"]
NAMES: tuple[Name, ...] = ("best", "head", "final")
NAMES_FILE = "names.json"


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
        if is_best:
            _write_name(folder, "best", path)
    except OSError as error:
        raise RunError(
            f"{path} could not be written: {error.strerror or error}. The checkpoints before it are whole.\n"
            f"Make room, then go on with: {resume_command(folder.parent)}"
        ) from error
    return path


def name_checkpoint(folder: Path, name: Name, path: Path) -> None:
    """Let a name stand for a checkpoint, instead of the one that it stood for.

    Raises:
        RunError: when the disk refuses.
    """
    try:
        _write_name(folder, name, path)
    except OSError as error:
        raise RunError(f"{folder / NAMES_FILE} could not be written: {error.strerror or error}") from error


def named_checkpoints(folder: Path) -> dict[str, Path]:
    """What the names stand for, whether it is there or not.

    Raises:
        RunError: when the file of names is damaged.
    """
    try:
        names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
        return {str(name): folder / str(target) for name, target in names.items()}
    except FileNotFoundError:  # a copy that followed the links of version 0.1.0 has folders in their place
        return {name: (folder / name).resolve() for name in NAMES if (folder / name).exists()}
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{folder / NAMES_FILE} cannot be read: {error}") from None


def load_checkpoint(folder: Path, which: str = "last") -> Checkpoint:
    """Read a whole checkpoint.

    Args:
        folder: a run's `checkpoints`.
        which: `last`, a name, a step number or a checkpoint's folder name.

    Raises:
        RunError: when there is none, or it cannot be read.
    """
    return _read(find_checkpoint(folder, which))


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[Path]]:
    """The newest checkpoint that can be read, if any, and newer ones that cannot: a disk tore them."""
    torn: list[Path] = []
    for path in reversed(list_checkpoints(folder)):
        try:
            return _read(path), torn
        except RunError:
            torn.append(path)
    return None, torn


def find_checkpoint(folder: Path, which: str = "last") -> Path:
    """The folder of a checkpoint: `last` (the newest), a name, a step number or a folder's name.

    Raises:
        RunError: when the run has no such checkpoint.
    """
    known = list_checkpoints(folder)
    if which == "last" and known:
        return known[-1]
    there = ", ".join([path.name for path in known])
    named = named_checkpoints(folder)
    if which in named:
        if not _is_whole(named[which]):
            raise RunError(
                f"{folder.parent}: its {which} checkpoint, {named[which].name}, is not there; it has {there}"
            )
        return named[which]
    name = checkpoint_name(int(which)) if which.isdecimal() else which
    for path in known:
        if path.name == name:
            return path
    if not known:
        raise RunError(f"{folder.parent} has no checkpoint yet. Go on with: {resume_command(folder.parent)}")
    raise RunError(f"{folder.parent} has no checkpoint '{which}'; it has {', '.join([there, *named])}")


def list_checkpoints(folder: Path) -> list[Path]:
    """All whole checkpoints, oldest first."""
    return sorted(path for path in folder.glob("step-*") if _is_whole(path))


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Remove all but the latest `keep` checkpoints and those with a name."""
    named = {path.name for path in named_checkpoints(folder).values()}
    for path in list_checkpoints(folder)[:-keep]:
        if path.name not in named:
            shutil.rmtree(path)


def resume_command(run: Path) -> str:
    """What to type to go on with a run; with the whole run where it is one of its folds."""
    whole = run.parent.parent if run.parent.name == "folds" else run
    return command("convscope", "train", "--resume", whole)


def _write_name(folder: Path, name: Name, path: Path) -> None:
    names = {known: found.name for known, found in named_checkpoints(folder).items()} | {name: path.name}
    atomic.write_file(folder / NAMES_FILE, json.dumps(names, indent=1).encode())


def _is_whole(path: Path) -> bool:
    return (path / "state.json").is_file()


def _read(path: Path) -> Checkpoint:
    state = read_state(path)
    return Checkpoint(
        step=state["step"],
        network=read_tensors(path / "network.safetensors"),
        training=read_tensors(path / "training.safetensors"),
        state=state,
    )


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's `state.json`.

    Raises:
        RunError: when it is absent or damaged.
    """
    try:
        state: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
        state["step"]
    except (OSError, ValueError, KeyError, TypeError) as error:
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
