"""How a run stands, told from its folder: also of one that was killed, and of one that just begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convscope.runs.folder import SUMMARY, Run
from convscope.runs.lock import FILE, exclusively, is_held
from convscope.runs.standing import divergence, forget_divergence, note_divergence, standing_of

LONG_AGO = 1_700_000_000


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "config.json").write_text("{}")
    return Run(tmp_path)


def test_it_is_training_as_long_as_its_lock_is_held(run: Run) -> None:
    assert standing_of(run) == "stopped"
    with exclusively(run.path):
        os.utime(run.path / FILE, (LONG_AGO, LONG_AGO))
        assert is_held(run.path)
        assert standing_of(run) == "training"
    assert standing_of(run) == "stopped"


def test_to_look_does_not_keep_a_training_from_its_lock(run: Run) -> None:
    (run.path / FILE).touch()
    os.utime(run.path / FILE, (LONG_AGO, LONG_AGO))
    assert not is_held(run.path)
    with exclusively(run.path) as unlockable:
        assert unlockable is None


def test_a_lock_that_was_just_written_is_not_touched(run: Run) -> None:
    """Its taker stands between making the file and locking it."""
    (run.path / FILE).touch()
    assert is_held(run.path)


def test_who_is_killed_holds_no_lock_any_more(run: Run) -> None:
    program = "import os, sys\nfrom pathlib import Path\nfrom convscope.runs.lock import exclusively\n"
    program += "with exclusively(Path(sys.argv[1])):\n    os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(run.path)], check=False)
    os.utime(run.path / FILE, (LONG_AGO, LONG_AGO))
    assert standing_of(run) == "stopped"


def test_done_needs_whole_figures(run: Run) -> None:
    run.write(SUMMARY, {"network": "linear", "steps": 3})
    assert standing_of(run) == "done"
    for damage in (b"[]", b"{", b'{"network": "linear"}'):
        run.write_bytes(SUMMARY, damage)
        assert standing_of(run) == "damaged"


def test_why_it_diverged_is_kept_until_it_goes_on(run: Run) -> None:
    note_divergence(run, "training diverged at step 7: the loss is nan.")
    assert standing_of(run) == "diverged"
    assert "step 7" in divergence(run)
    run.write_bytes("diverged.json", b"\xff")
    assert divergence(run) == ""
    forget_divergence(run)
    forget_divergence(run)
    assert standing_of(run) == "stopped"
