"""Names of checkpoints stand in a file, and are read from whatever became of the links of version 0.1.0."""

import json
from pathlib import Path

import pytest
import torch

from convscope.errors import RunError
from convscope.runs.checkpoint_names import FILE, read_names
from convscope.runs.checkpoints import (
    Checkpoint,
    find_checkpoint,
    list_checkpoints,
    name_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Steps 1 to 3, the second the best, named in the file."""
    for step in (1, 2, 3):
        checkpoint = Checkpoint(step=step, network={"weight": torch.full((4,), float(step))})
        save_checkpoint(tmp_path, checkpoint, is_best=step == 2)
    return tmp_path


def step_of(folder: Path, which: str) -> int:
    return int(find_checkpoint(folder, which).name.rpartition("-")[2])


def test_names_are_in_a_file_and_nothing_is_a_link(folder: Path) -> None:
    assert json.loads((folder / FILE).read_text()) == {"last": "step-00000003", "best": "step-00000002"}
    name_checkpoint(folder, "final", find_checkpoint(folder, "best"))
    assert step_of(folder, "final") == step_of(folder, "best") == 2
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def as_links(folder: Path) -> None:
    for name, target in read_names(folder).items():
        (folder / name).symlink_to(target)
    (folder / FILE).unlink()


def as_folders(folder: Path) -> None:
    """What `cp -rL` and `zip -r` make of links."""
    import shutil

    for name, target in read_names(folder).items():
        shutil.copytree(folder / target, folder / name)
    (folder / FILE).unlink()


def as_texts(folder: Path) -> None:
    """What git and some unpackers make of links on Windows."""
    for name, target in read_names(folder).items():
        (folder / name).write_text(target)
    (folder / FILE).unlink()


@pytest.mark.parametrize("older", [as_links, as_folders, as_texts])
def test_links_of_version_0_1_0_and_what_copying_made_of_them_are_read(folder: Path, older: object) -> None:
    older(folder)  # type: ignore[operator]
    assert (step_of(folder, "best"), step_of(folder, "last")) == (2, 3)
    assert [path.name[-1] for path in list_checkpoints(folder)] == ["1", "2", "3"]
    prune_checkpoints(folder, keep=1)
    assert [path.name[-1] for path in list_checkpoints(folder)] == ["2", "3"]
    save_checkpoint(folder, Checkpoint(step=4, network={"weight": torch.zeros(4)}), is_best=False)
    assert (step_of(folder, "best"), step_of(folder, "last")) == (2, 4)
    assert not [path for path in folder.iterdir() if path.is_symlink()]


@pytest.mark.parametrize("content", ["{", "[]", '{"best": 3}', "\xff"])
def test_damaged_names_are_said_and_nothing_is_taken_in_their_place(folder: Path, content: str) -> None:
    (folder / FILE).write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=r"names.json is damaged.*\n.*mend it"):
        find_checkpoint(folder, "best")
    assert step_of(folder, "last") == 3


def test_a_name_of_a_checkpoint_that_is_gone_is_said_with_what_is_there(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder / "step-00000002")
    with pytest.raises(
        RunError, match=r"its best checkpoint, step-00000002, is not there; it has step-00000001"
    ):
        find_checkpoint(folder, "best")
