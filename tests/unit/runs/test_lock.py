"""One training a run at a time, by a lock that dies with its process and that no copy takes along."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from convscope.errors import RunError
from convscope.runs import lock
from convscope.runs.lock import FILE, exclusively


def test_a_second_training_is_refused_and_told_who_has_the_run(tmp_path: Path) -> None:
    with (
        exclusively(tmp_path),
        pytest.raises(RunError, match=r"is being trained by another process now, process \d+ on "),
        exclusively(tmp_path),
    ):
        pass
    assert not (tmp_path / FILE).exists()
    with exclusively(tmp_path) as unlockable:
        assert unlockable is None


def test_a_copy_of_a_locked_run_and_a_lock_of_a_killed_one_lock_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with exclusively(run):
        copied = Path(shutil.copytree(run, tmp_path / "copied"))
        assert (copied / FILE).exists()
        with exclusively(copied) as unlockable:
            assert unlockable is None


def test_a_run_that_moves_while_it_is_trained_stays_locked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with exclusively(run):
        run.rename(tmp_path / "moved")
        with pytest.raises(RunError, match="by another process"), exclusively(tmp_path / "moved"):
            pass


def test_a_lock_that_is_removed_while_somebody_waits_for_it_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened before its holder removed it, and locked after: that file is nobody's any more."""
    real, calls = lock.fcntl.flock, [0]

    def flock(descriptor: int, operation: int) -> None:
        calls[0] += 1
        if calls[0] == 1:
            (tmp_path / FILE).unlink()
        real(descriptor, operation)

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with exclusively(tmp_path):
        assert (tmp_path / FILE).exists()
        assert calls[0] == 2


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
def test_where_no_file_can_be_locked_training_goes_on_and_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with exclusively(tmp_path) as unlockable:
        assert unlockable == "this place locks no files (No locks available)"


def test_a_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    with exclusively(tmp_path) as unlockable:
        assert unlockable == "this system locks no files"


def refusing(number: int) -> Callable[..., int]:
    def refuse(*arguments: object) -> int:
        raise OSError(number, {errno.EROFS: "Read-only file system", errno.ENOSPC: "No space left"}[number])

    return refuse


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.EROFS, "Where it can be written"), (errno.ENOSPC, "Make room")]
)
def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    monkeypatch.setattr(lock.os, "open", refusing(number))
    with pytest.raises(RunError, match=f"{advice}, go on with|{advice}, then go on"), exclusively(tmp_path):
        pass
