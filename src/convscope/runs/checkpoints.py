"""Checkpoints: a network's weights, and apart from them what only training needs.

    checkpoints/step-00000430/network.safetensors    the weights that the classifier uses
                              training.safetensors   optimizer state, and the raw weights beside an average
                              state.json             the step, plain numbers of the training state, checksums
    checkpoints/blend/                               weights between two others; no step led to them
    checkpoints/earlier/                             what was kept before a finished run went on
    checkpoints/names.json                           which of them is last, best, head, blend, earlier, final

No pickle is written or read.
"""

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.runs.advice import go_on, refused_by_disk, resume_command
from convscope.runs.checkpoint_names import ALONE, BEST, FINAL, HEAD, LAST, Name, read_names, write_names
from convscope.wording import here, listed

if TYPE_CHECKING:
    from torch import Tensor  # late: listing runs needs no torch

Tensors: TypeAlias = "dict[str, Tensor]"
NETWORK, TRAINING, STATE = "network.safetensors", "training.safetensors", "state.json"
CHECKSUMS = "crc32"
DAMAGED = "damaged-"


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
    names: tuple[Name, ...] = (LAST, BEST) if is_best else (LAST,)
    return _save(folder / checkpoint_name(checkpoint.step), checkpoint, names)


def save_weights(folder: Path, name: Name, checkpoint: Checkpoint) -> Path:
    """Write weights that a training never goes on from (`ALONE`), in a folder of their name.

    Raises:
        RunError: when the disk refuses.
    """
    return _save(folder / name, checkpoint, (name,))


def _save(path: Path, checkpoint: Checkpoint, given: tuple[Name, ...]) -> Path:
    folder = path.parent
    tensors = {NETWORK: _to_bytes(checkpoint.network), TRAINING: _to_bytes(checkpoint.training)}
    sums = {name: zlib.crc32(content) for name, content in tensors.items()}
    state = {"step": checkpoint.step, **checkpoint.state, CHECKSUMS: sums}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.clear_leftovers(folder)
        with atomic.new_folder(path) as writer:
            for name, content in tensors.items():
                writer.write(name, content)
            writer.write(STATE, json.dumps(state, indent=1).encode())
        write_names(folder, read_names(folder) | dict.fromkeys(given, path.name))
    except OSError as error:
        raise RunError(
            f"{refused_by_disk(path, error)}. The checkpoints before it are whole.\n"
            f"{go_on(folder.parent, error)}"
        ) from error
    return path


def name_checkpoint(folder: Path, name: Name, path: Path) -> None:
    """Let `head` stand for a pretrained network's fitted head, or `final` for what is kept in the end.

    Raises:
        RunError: when the disk refuses.
    """
    try:
        write_names(folder, read_names(folder) | {name: path.name.removeprefix(atomic.ASIDE)})
    except OSError as error:
        raise RunError(
            f"{refused_by_disk(folder / 'names.json', error)}.\n{go_on(folder.parent, error)}"
        ) from error


def load_checkpoint(folder: Path, which: str = LAST) -> Checkpoint:
    """Read a whole checkpoint.

    Args:
        folder: a run's `checkpoints`.
        which: `last`, `best`, a step number or a checkpoint's name.

    Raises:
        RunError: when there is none, or it cannot be read.
    """
    return _load(find_checkpoint(folder, which))


def find_checkpoint(folder: Path, which: str = LAST) -> Path:
    """The folder of a checkpoint: a name (see `checkpoint_names.py`), a step number or a folder's name.

    A killed writer can leave `last` one checkpoint behind, so the newest whole one counts as the last.

    Raises:
        RunError: when the run has no such checkpoint. No other is taken in its place.
    """
    known = list_checkpoints(folder)
    if not known:
        raise RunError(f"{here(folder.parent)} has no checkpoint yet.\n{go_on(folder.parent)}")
    if which == LAST:
        return known[-1]
    asked = checkpoint_name(int(which)) if which.isdecimal() else which
    name = read_names(folder).get(which, asked)
    for path in (*known, *_weights(folder)):
        if path == atomic.standing(folder / name):
            return path
    has = f"it has {listed([path.name.removeprefix(atomic.ASIDE) for path in known])}"
    if name != asked:
        raise RunError(f"{here(folder.parent)}: its {which} checkpoint, {name}, is not there; {has}")
    raise RunError(f"{here(folder.parent)} has no checkpoint '{which}'; {has}")


def list_checkpoints(folder: Path) -> list[Path]:
    """All whole checkpoints, oldest first."""
    return [path for path in _folders(folder) if (path / STATE).is_file()]


def _weights(folder: Path) -> list[Path]:
    paths = [atomic.standing(folder / name) for name in ALONE]
    return [path for path in paths if (path / STATE).is_file()]


def newest_step(folder: Path) -> int | None:
    """Updates that the newest whole checkpoint holds; None where there is none."""
    known = list_checkpoints(folder)
    return int(known[-1].name.rpartition("-")[2]) if known else None


def set_damaged_aside(folder: Path) -> dict[str, str]:
    """Make the newest checkpoint one that loads: what is newer and damaged is renamed to `damaged-step-…`.

    Returns:
        The name of each that was set aside, and what is wrong with it; empty where all is well.

    Raises:
        RunError: when the disk fails for another reason than damage.
    """
    found = {}
    for path in reversed(_folders(folder)):
        try:
            _load(path)
        except RunError as error:
            if isinstance(error.__cause__, PermissionError):
                raise
            found[path.name.removeprefix(atomic.ASIDE)] = str(error).splitlines()[0]
            _set_aside(folder, path)
        else:
            break
    return found


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Remove all but the latest `keep` checkpoints and those with a name.

    Raises:
        RunError: when the disk refuses.
    """
    names = read_names(folder)
    named = {names[name] for name in (BEST, HEAD, FINAL) if name in names}
    for path in list_checkpoints(folder)[:-keep]:
        if path.name not in named:
            try:
                atomic.remove_folder(path)
            except OSError as error:
                raise RunError(
                    f"{here(path)} is not needed any more and could not be removed: "
                    f"{error.strerror or error}.\n{go_on(folder.parent, error)}"
                ) from error


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's `state.json`.

    Raises:
        RunError: when it is absent or damaged.
    """
    try:
        state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
        int(state["step"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{here(path / STATE)} cannot be read: {_plainly(error)}") from error
    return state


def read_network(path: Path) -> Tensors:
    """The weights of a checkpoint.

    Raises:
        RunError: when they are damaged, naming the checkpoints before it.
    """
    try:
        return _read_part(path, NETWORK, read_state(path))
    except RunError as error:
        before = [other.name for other in list_checkpoints(path.parent) if other.name < path.name]
        step = f"Before it there is --checkpoint {int(before[-1].partition('-')[2])}. " if before else ""
        again = resume_command(path.parent.parent)
        raise RunError(f"{error}.\n{step}Make it again with: {again}") from error


def read_tensors(path: Path) -> Tensors:
    """The tensors of one safetensors file.

    Raises:
        RunError: when the file is absent or damaged.
    """
    return _parse(path, _content(path))


def _load(path: Path) -> Checkpoint:
    state = read_state(path)
    network, training = (_read_part(path, name, state) for name in (NETWORK, TRAINING))
    return Checkpoint(step=state["step"], network=network, training=training, state=state)


def _read_part(path: Path, name: str, state: dict[str, Any]) -> Tensors:
    """One file of a checkpoint, held against the checksum that was taken when it was written."""
    content = _content(path / name)
    sums = state.get(CHECKSUMS)
    tensors = _parse(path / name, content)
    if isinstance(sums, dict) and name in sums and zlib.crc32(content) != sums[name]:
        raise RunError(f"{here(path / name)} cannot be read: its bytes are not the ones that were written")
    return tensors


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{here(path)} cannot be read: {_plainly(error)}") from error


def _parse(path: Path, content: bytes) -> Tensors:
    import safetensors.torch

    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise RunError(f"{here(path)} cannot be read: {error}") from error


def _folders(folder: Path) -> list[Path]:
    """Of all checkpoints, whole or not, oldest first; one that stepped aside for nothing counts."""
    found = {path.name: path for path in folder.glob("step-*") if path.is_dir()}
    for aside in folder.glob(f"{atomic.ASIDE}step-*"):
        found.setdefault(aside.name.removeprefix(atomic.ASIDE), aside)
    return [found[name] for name in sorted(found)]


def _set_aside(folder: Path, path: Path) -> None:
    name = path.name.removeprefix(atomic.ASIDE)
    try:
        aside = folder / f"{DAMAGED}{name}"
        if aside.exists():
            atomic.remove_folder(aside)
        path.rename(aside)
        names = read_names(folder)
        write_names(folder, {given: step for given, step in names.items() if step != name})
    except OSError as error:
        raise RunError(
            f"{here(path)} is damaged and cannot be set aside: {error.strerror or error}"
        ) from error


def _plainly(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _to_bytes(tensors: Tensors) -> bytes:
    import safetensors.torch

    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})
