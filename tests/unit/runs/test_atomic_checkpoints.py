"""Whatever stops a writer, the checkpoint before it loads."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.runs.checkpoints import (
    Checkpoint,
    find_checkpoint,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    read_network,
    save_checkpoint,
    set_damaged_aside,
)


def make_checkpoint(step: int) -> Checkpoint:
    weight = torch.full((64, 64), float(step))
    training = {"moment": weight / 2}
    return Checkpoint(step=step, network={"weight": weight}, training=training, state={"best": step})


def same(a: Checkpoint, b: Checkpoint) -> bool:
    return a.step == b.step and torch.equal(a.network["weight"], b.network["weight"])


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, make_checkpoint(5), is_best=True)
    loaded = load_checkpoint(tmp_path)
    assert same(loaded, make_checkpoint(5))
    assert torch.equal(loaded.training["moment"], make_checkpoint(5).training["moment"])
    assert loaded.state["best"] == 5
    assert [find_checkpoint(tmp_path, name).name for name in ("last", "best")] == ["step-00000005"] * 2


@pytest.mark.parametrize("call", ["fsync", "replace", "rename"])
@pytest.mark.parametrize("which", range(6))
def test_a_failing_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, which: int
) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=True)
    real, calls = getattr(os, call), [0]

    def failing(*arguments: object) -> object:
        calls[0] += 1
        if calls[0] == which + 1:
            raise OSError(errno.EIO, "Input/output error")
        return real(*arguments)

    monkeypatch.setattr(os, call, failing)
    message = ""
    try:
        save_checkpoint(tmp_path, make_checkpoint(2), is_best=True)
    except RunError as error:
        message = str(error)
    monkeypatch.undo()
    if calls[0] > which:
        assert "could not be written" in message
        assert "--resume" in message
    else:
        assert message == ""
    loaded = load_checkpoint(tmp_path)
    assert same(loaded, make_checkpoint(1)) or same(loaded, make_checkpoint(2))
    assert same(load_checkpoint(tmp_path, "best"), make_checkpoint(1)) or same(loaded, make_checkpoint(2))
    save_checkpoint(tmp_path, make_checkpoint(3), is_best=False)
    assert same(load_checkpoint(tmp_path), make_checkpoint(3))
    assert not list(tmp_path.glob(f"{atomic.PREFIX}*"))


@pytest.mark.parametrize("bytes_written", [0, 100, 20_000])
def test_a_write_that_fails_midway_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_written: int
) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)
    real = atomic._write_and_flush

    def failing(path: Path, content: bytes) -> None:
        real(path, content[:bytes_written])
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "_write_and_flush", failing)
    with pytest.raises(RunError, match="could not be written"):
        save_checkpoint(tmp_path, make_checkpoint(2), is_best=False)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000001"]
    assert same(load_checkpoint(tmp_path), make_checkpoint(1))


FILL = """
import resource, sys, torch
from pathlib import Path
from convscope.errors import RunError
from convscope.runs.checkpoints import Checkpoint, save_checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    checkpoint = Checkpoint(step=2, network={"weight": torch.zeros(64, 64)})
    save_checkpoint(Path(sys.argv[1]), checkpoint, is_best=False)
except RunError as error:
    print(error)
    sys.exit(7)
"""


def test_a_file_system_that_takes_no_more_bytes_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """The kernel itself refuses to write past 10,000 bytes, in a process of its own."""
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10_000
    command = [sys.executable, "-c", FILL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "Make room" in done.stdout
    assert same(load_checkpoint(tmp_path), make_checkpoint(1))


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", refuse)  # where a disk without room is met at the latest
    with pytest.raises(RunError, match="No space left"):
        save_checkpoint(tmp_path, make_checkpoint(2), is_best=False)
    assert same(load_checkpoint(tmp_path), make_checkpoint(1))


def test_a_half_written_folder_of_a_killed_writer_is_not_a_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)
    (tmp_path / f"{atomic.PREFIX}step-00000002-abc").mkdir()
    (tmp_path / "step-00000003").mkdir()
    assert load_checkpoint(tmp_path).step == 1


def test_pruning_keeps_the_latest_and_the_best(tmp_path: Path) -> None:
    for step in range(1, 6):
        save_checkpoint(tmp_path, make_checkpoint(step), is_best=step == 2)
        prune_checkpoints(tmp_path, keep=2)
    assert [path.name[-1] for path in list_checkpoints(tmp_path)] == ["2", "4", "5"]
    assert load_checkpoint(tmp_path, "best").step == 2


def test_a_checkpoint_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no checkpoint yet"):
        find_checkpoint(tmp_path)
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)
    with pytest.raises(RunError, match=r"no checkpoint '9'; it has step-00000001"):
        find_checkpoint(tmp_path, "9")


def test_a_damaged_weights_file_is_refused(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, make_checkpoint(1), is_best=False) / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_that_is_written_again_is_there_at_every_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill may come before or after each of the two renames that replacing a folder takes."""
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=True)
    again = Checkpoint(step=1, network={"weight": torch.zeros(64, 64)})
    real, seen = os.rename, []

    def watching(source: object, target: object) -> None:
        seen.append(load_checkpoint(tmp_path, "best").network["weight"][0, 0].item())
        real(source, target)
        seen.append(load_checkpoint(tmp_path, "last").network["weight"][0, 0].item())

    monkeypatch.setattr(os, "rename", watching)
    save_checkpoint(tmp_path, again, is_best=False)
    assert seen == [1.0, 1.0, 1.0, 0.0]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["names.json", "step-00000001"]


def test_what_had_stepped_aside_for_a_killed_writer_comes_back(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, make_checkpoint(1), is_best=True)
    path.rename(tmp_path / f"{atomic.ASIDE}{path.name}")
    assert load_checkpoint(tmp_path, "best").step == load_checkpoint(tmp_path, "1").step == 1
    save_checkpoint(tmp_path, make_checkpoint(2), is_best=False)
    assert [each.name for each in list_checkpoints(tmp_path)] == ["step-00000001", "step-00000002"]


@pytest.mark.parametrize("part", ["network", "training"])
def test_a_single_flipped_bit_is_noticed(tmp_path: Path, part: str) -> None:
    path = save_checkpoint(tmp_path, make_checkpoint(1), is_best=False) / f"{part}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match="not the ones that were written"):
        load_checkpoint(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, empty, Path.unlink])
@pytest.mark.parametrize("name", ["network.safetensors", "training.safetensors", "state.json"])
def test_damaged_checkpoints_step_aside_for_the_newest_whole_one(
    tmp_path: Path, damage: Callable[[Path], None], name: str
) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, make_checkpoint(step), is_best=step == 3)
    for step in (2, 3):
        damage(tmp_path / f"step-0000000{step}" / name)
    assert list(set_damaged_aside(tmp_path)) == ["step-00000003", "step-00000002"]
    assert load_checkpoint(tmp_path).step == 1
    with pytest.raises(RunError, match="no checkpoint 'best'"):
        load_checkpoint(tmp_path, "best")
    assert (tmp_path / "damaged-step-00000003").is_dir()  # nothing is thrown away
    assert set_damaged_aside(tmp_path) == {}


def test_weights_that_are_damaged_are_answered_with_the_checkpoint_before(tmp_path: Path) -> None:
    folder = tmp_path / "my run" / "checkpoints"
    for step in (1, 2):
        save_checkpoint(folder, make_checkpoint(step), is_best=False)
    cut(folder / "step-00000002" / "network.safetensors")
    with pytest.raises(RunError) as refused:
        read_network(find_checkpoint(folder))
    message = str(refused.value)
    assert "Before it there is --checkpoint 1." in message
    assert f"convscope train --resume '{tmp_path / 'my run'}'" in message
    assert len(message.splitlines()) <= 3


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Make room, then go on with"),
        (errno.EDQUOT, "Make room, then go on with"),
        (errno.EROFS, "Where it can be written, go on with"),
        (errno.EIO, "When the disk answers again, go on with"),
    ],
)
def test_the_advice_fits_what_the_disk_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def failing(path: Path, content: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic, "_write_and_flush", failing)
    with pytest.raises(RunError, match=advice):
        save_checkpoint(tmp_path, make_checkpoint(1), is_best=False)


def test_old_checkpoints_that_cannot_be_removed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, make_checkpoint(step), is_best=False)

    def failing(source: object, target: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(RunError, match=r"could not be removed: Permission denied.\n"):
        prune_checkpoints(tmp_path, keep=1)


def test_a_file_system_that_flushes_no_folders_is_no_failing_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    save_checkpoint(tmp_path, make_checkpoint(1), is_best=True)
    assert load_checkpoint(tmp_path, "best").step == 1
